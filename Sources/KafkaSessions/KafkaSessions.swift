// KafkaSessions decides what Kafka's clients have going with this broker: who is in a group and what
// it has read, what a fetch session covers. Values in, values out: no socket, no thread, no clock.
enum KafkaSessionsLimits {}
