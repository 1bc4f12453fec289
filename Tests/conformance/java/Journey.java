import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A topic's life as a program with Java's own clients sees it, all settings at their defaults. */
public class Journey {
    static final String TOPIC = "journey";
    static final int RECORDS = 1000;

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        try (Admin admin = Admin.create(settings)) {
            admin.createTopics(List.of(new NewTopic(TOPIC, 3, (short) 1))).all().get();
            produce(settings);
            List<String> values = consume(settings);
            if (values.size() != RECORDS) throw new AssertionError(values.size() + " records");
            inspect(admin);
        }
        System.out.println("done");
    }

    static void produce(Properties settings) throws Exception {
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int number = 0; number < RECORDS; number++) {
                producer.send(new ProducerRecord<>(TOPIC, "key" + number % 7, "value" + number));
            }
            producer.flush();
            long offset = producer.send(new ProducerRecord<>(TOPIC + "-made", "last")).get().offset();
            System.out.println("produced, offset " + offset);
        }
    }

    static List<String> consume(Properties settings) {
        Properties mine = new Properties();
        mine.putAll(settings);
        mine.put("group.id", "journey");
        mine.put("auto.offset.reset", "earliest");
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(mine, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(TOPIC));
            long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (values.size() < RECORDS && System.nanoTime() < end) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
                    values.add(record.value());
                }
            }
            consumer.commitSync();
        }
        System.out.println("consumed");
        return values;
    }

    static void inspect(Admin admin) throws Exception {
        var group = admin.describeConsumerGroups(List.of("journey")).all().get().get("journey");
        System.out.println("group " + group.state());
        Map<TopicPartition, ?> offsets =
                admin.listConsumerGroupOffsets("journey").partitionsToOffsetAndMetadata().get();
        if (offsets.size() != 3) throw new AssertionError("offsets of " + offsets.keySet());
        if (!admin.listTopics().names().get().containsAll(Set.of(TOPIC, TOPIC + "-made"))) {
            throw new AssertionError("topics");
        }
        System.out.println("cluster " + admin.describeCluster().nodes().get().size());
        admin.deleteConsumerGroups(List.of("journey")).all().get();
        admin.deleteTopics(List.of(TOPIC)).all().get();
    }
}
