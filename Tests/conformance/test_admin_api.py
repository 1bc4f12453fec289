"""Administration by stock AdminClients: what each API does, and every refusal by Kafka's code."""

import warnings

import confluent_kafka
import pytest
from confluent_kafka import ElectionType, TopicPartition
from confluent_kafka import admin as confluent
from kafka import TopicPartition as KafkaPythonPartition
from kafka import errors as kafka_errors
from kafka.admin import (ACL, ACLFilter, ACLOperation, ACLPermissionType, ACLResourcePatternType,
                         AlterConfigOp, ConfigResource, ConfigResourceType, KafkaAdminClient,
                         NewTopic, ResourcePattern, ResourcePatternFilter, ResourceType)

import harness
import kafka_reading
from test_topics import admin

NONE, OUT_OF_RANGE, UNKNOWN_TOPIC, INVALID_TOPIC = 0, 1, 3, 17
INVALID_PARTITIONS, INVALID_ASSIGNMENT = 37, 39
POLICY_VIOLATION, ELECTION_NOT_NEEDED = 44, 84
TOPIC, BROKER = ConfigResourceType.TOPIC, ConfigResourceType.BROKER


@pytest.fixture
def client(broker):
    """kafka-python's, on a broker with the topic `a` of two partitions."""
    admin_client = KafkaAdminClient(bootstrap_servers=[broker.kafka])
    admin_client.create_topics([NewTopic("a", 2, 1)])
    yield admin_client
    admin_client.close()


def outcomes(futures):
    """What each of confluent-kafka's futures came to: None, or the name of its error."""
    def one(future):
        error = future.exception(timeout=15)
        return None if error is None else error.args[0].name()
    return {key: one(future) for key, future in futures.items()}


def outcome(futures):
    [value] = outcomes(futures).values()
    return value


def produce(broker, topic, values, partition):
    """Nothing, or the name of the first error."""
    errors = []
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.kafka,
                                         "topic.metadata.refresh.interval.ms": 100})
    for value in values:
        producer.produce(topic, value, partition=partition,
                         callback=lambda error, _: errors.append(error))
    assert producer.flush(20) == 0
    return next((error.name() for error in errors if error), None)


def settings(client, topic="a", **options):
    resource = ConfigResource(TOPIC, topic)
    options = {"include_synonyms": True, "config_filter": "all", **options}
    return client.describe_configs([resource], **options)["topic"][topic]


def altered(broker, topic, *entries):
    """IncrementalAlterConfigs of (key, value, operation)s; nothing, or the error's name."""
    configs = [confluent.ConfigEntry(key, value, incremental_operation=operation)
               for key, value, operation in entries]
    resource = confluent.ConfigResource("topic", topic, incremental_configs=configs)
    client = admin(broker)  # Has to live as long as its future.
    return outcome(client.incremental_alter_configs([resource]))


SET = confluent.AlterConfigOpType.SET
DELETE = confluent.AlterConfigOpType.DELETE
APPEND = confluent.AlterConfigOpType.APPEND
SUBTRACT = confluent.AlterConfigOpType.SUBTRACT


# CreatePartitions

def added(client, topic, count, assignments=None, **options):
    wanted = {topic: count if assignments is None else {"count": count, "assignments": assignments}}
    [result] = client.create_partitions(wanted, raise_errors=False, **options).results
    return result.error_code


def test_create_partitions_adds_and_the_new_ones_are_written(broker, client):
    assert produce(broker, "a", [b"0"], partition=0) is None
    assert added(client, "a", 4) == NONE
    assert produce(broker, "a", [b"3"], partition=3) is None
    assert [r.value for r in kafka_reading.read_to_end(broker, "a", 3)] == [b"3"]
    assert [r.value for r in kafka_reading.read_to_end(broker, "a", 0)] == [b"0"]
    assert added(client, "a", 6, [[1], [1]]) == NONE
    assert len(client.describe_topics(["a"])[0]["partitions"]) == 6


@pytest.mark.parametrize("topic, count, assignments, error", [
    ("a", 2, None, INVALID_PARTITIONS),
    ("a", 1, None, INVALID_PARTITIONS),
    ("a", -1, None, INVALID_PARTITIONS),
    ("none", 3, None, UNKNOWN_TOPIC),
    ("a", 3, [[7]], INVALID_ASSIGNMENT),
    ("a", 3, [[1, 1]], INVALID_ASSIGNMENT),
    ("a", 3, [[]], INVALID_ASSIGNMENT),
    ("a", 4, [[1]], INVALID_ASSIGNMENT),
    ("a", 100_000, None, POLICY_VIOLATION),
])
def test_create_partitions_refuses(client, topic, count, assignments, error):
    assert added(client, topic, count, assignments) == error
    assert len(client.describe_topics(["a"])[0]["partitions"]) == 2


def test_create_partitions_only_checks_when_asked_to(client):
    assert added(client, "a", 5, validate_only=True) == NONE
    assert added(client, "a", 2, validate_only=True) == INVALID_PARTITIONS
    assert len(client.describe_topics(["a"])[0]["partitions"]) == 2


def test_create_partitions_by_confluent_survives_a_kill(broker, client):
    librdkafka = admin(broker)
    assert outcome(librdkafka.create_partitions([confluent.NewPartitions("a", 5)])) is None
    broker.kill()
    broker.start()
    assert len(admin(broker).list_topics("a", timeout=10).topics["a"].partitions) == 5


# CreateTopics

def test_create_topics_answers_with_the_settings(client):
    topic = NewTopic("made", 3, 1, topic_configs={"retention.ms": "60000"})
    [made] = client.create_topics([topic])["topics"]
    assert (made["num_partitions"], made["replication_factor"]) == (3, 1)
    own = made["configs"]["retention.ms"]
    assert (own["value"], own["config_source"]) == ("60000", "DYNAMIC_TOPIC_CONFIG")
    assert made["configs"]["segment.ms"]["config_source"] == "DEFAULT_CONFIG"


def test_create_topics_by_assignment(broker, client):
    librdkafka = admin(broker)
    topic = confluent.NewTopic("placed", 3, replica_assignment=[[1], [1], [1]])
    assert outcome(librdkafka.create_topics([topic])) is None
    assert len(client.describe_topics(["placed"])[0]["partitions"]) == 3
    elsewhere = confluent.NewTopic("elsewhere", 1, replica_assignment=[[2]])
    assert outcome(librdkafka.create_topics([elsewhere])) == "INVALID_REPLICA_ASSIGNMENT"


# DescribeConfigs

def test_describe_configs_of_a_topic_has_types_sources_and_synonyms(make_broker):
    broker = make_broker("log.retention.ms=1h").start()
    client = KafkaAdminClient(bootstrap_servers=[broker.kafka])
    client.create_topics([NewTopic("a", 1, 1, topic_configs={"segment.bytes": "1048576"})])
    entries = settings(client)
    assert entries["segment.bytes"]["value"] == "1048576"
    assert entries["segment.bytes"]["config_source"] == "DYNAMIC_TOPIC_CONFIG"
    assert [s["name"] for s in entries["segment.bytes"]["synonyms"]] == [
        "segment.bytes", "log.segment.bytes"]
    assert entries["retention.ms"]["value"] == "3600000"
    assert entries["retention.ms"]["config_source"] == "STATIC_BROKER_CONFIG"
    types = {name: entry["config_type"] for name, entry in entries.items()}
    assert (types["retention.ms"], types["segment.bytes"]) == ("LONG", "INT")
    assert (types["cleanup.policy"], types["compression.type"]) == ("LIST", "STRING")
    assert (types["preallocate"], types["min.cleanable.dirty.ratio"]) == ("BOOLEAN", "DOUBLE")
    assert entries["min.insync.replicas"]["read_only"] and not entries["retention.ms"]["read_only"]
    client.close()


def test_describe_configs_of_the_broker_speaks_in_plain_numbers(make_broker):
    broker = make_broker("log.retention.ms=1h", "log.segment.bytes=1MiB").start()
    client = KafkaAdminClient(bootstrap_servers=[broker.kafka])
    own = client.describe_configs([ConfigResource(BROKER, "1")], config_filter="all")["broker"]["1"]
    assert own["log.retention.ms"]["value"] == "3600000"
    assert own["log.segment.bytes"]["value"] == "1048576"
    assert own["log.retention.ms"]["config_source"] == "STATIC_BROKER_CONFIG"
    assert own["num.partitions"]["config_source"] == "DEFAULT_CONFIG"
    assert all(entry["read_only"] for entry in own.values())
    client.close()


@pytest.mark.parametrize("kind, name, error", [
    ("topic", "none", "UNKNOWN_TOPIC_OR_PART"),
    ("topic", "not a topic", "TOPIC_EXCEPTION"),
])
def test_describe_configs_refuses(broker, kind, name, error):
    client = admin(broker)
    resource = confluent.ConfigResource(kind, name)
    assert outcome(client.describe_configs([resource])) == error


def test_a_group_has_no_settings_of_its_own(broker):
    assert outcome(admin(broker).describe_configs([confluent.ConfigResource("group", "g")])) is None


# IncrementalAlterConfigs

def test_incremental_alter_configs_sets_and_deletes(broker, client):
    assert altered(broker, "a", ("retention.ms", "60000", SET), ("segment.ms", "7000", SET)) is None
    assert settings(client)["retention.ms"]["value"] == "60000"
    assert altered(broker, "a", ("retention.ms", None, DELETE)) is None
    entry = settings(client)["retention.ms"]
    assert (entry["value"], entry["config_source"]) == ("604800000", "DEFAULT_CONFIG")
    broker.kill()
    broker.start()
    assert settings(client)["segment.ms"]["value"] == "7000"


def test_incremental_alter_configs_appends_to_and_subtracts_from_lists(broker, client):
    assert altered(broker, "a", ("cleanup.policy", "compact", APPEND)) is None
    assert set(settings(client)["cleanup.policy"]["value"].split(",")) == {"delete", "compact"}
    assert altered(broker, "a", ("cleanup.policy", "compact", APPEND)) is None
    assert altered(broker, "a", ("cleanup.policy", "delete", SUBTRACT)) is None
    assert settings(client)["cleanup.policy"]["value"] == "compact"


@pytest.mark.parametrize("topic, entry, error", [
    ("a", ("retention.ms", "abc", SET), "INVALID_CONFIG"),
    ("a", ("no.such", "1", SET), "INVALID_CONFIG"),
    ("a", ("cleanup.policy", "nonsense", SET), "INVALID_CONFIG"),
    ("a", ("min.insync.replicas", "2", SET), "INVALID_CONFIG"),
    ("a", ("retention.ms", "1", APPEND), "INVALID_CONFIG"),
    ("a", ("no.such", "1", APPEND), "INVALID_CONFIG"),
    ("none", ("retention.ms", "1", SET), "UNKNOWN_TOPIC_OR_PART"),
    ("a b", ("retention.ms", "1", SET), "TOPIC_EXCEPTION"),
])
def test_incremental_alter_configs_refuses(broker, client, topic, entry, error):
    assert altered(broker, topic, ("segment.ms", "7000", SET), entry) == error
    assert settings(client)["segment.ms"]["value"] == "604800000", "one fault refuses the whole"


def test_incremental_alter_configs_changes_what_producers_may_send(broker, client):
    assert altered(broker, "a", ("max.message.bytes", "200", SET)) is None
    assert produce(broker, "a", [b"x" * 1000], partition=0) == "MSG_SIZE_TOO_LARGE"
    assert altered(broker, "a", ("max.message.bytes", "20000", SET)) is None
    assert produce(broker, "a", [b"x" * 1000], partition=0) is None


def test_incremental_alter_configs_names_the_file_for_broker_settings(client):
    resource = ConfigResource(BROKER, "1", {"num.partitions": (AlterConfigOp.SET, "3")})
    result = client.alter_configs([resource], raise_on_unknown=False)["broker"]["1"]
    assert "InvalidRequest" in result and "headwater.yaml" in result


# AlterConfigs

def test_alter_configs_replaces_all_that_a_topic_has_set(broker, client):
    assert altered(broker, "a", ("segment.ms", "7000", SET)) is None
    resource = confluent.ConfigResource("topic", "a", set_config={"retention.ms": "60000"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        librdkafka = admin(broker)
        assert outcome(librdkafka.alter_configs([resource])) is None
    entries = settings(client)
    assert (entries["retention.ms"]["value"], entries["segment.ms"]["value"]) == (
        "60000", "604800000")


def test_alter_configs_only_checks_when_asked_to(client):
    resource = ConfigResource(TOPIC, "a", {"retention.ms": "60000"})
    for incremental in (True, False):
        client.alter_configs([resource], validate_only=True, incremental=incremental)
        assert settings(client)["retention.ms"]["value"] == "604800000"


# DeleteRecords

def test_delete_records_moves_the_start(broker, client):
    produce(broker, "a", [b"%d" % n for n in range(5)], partition=0)
    librdkafka = admin(broker)
    done = librdkafka.delete_records([TopicPartition("a", 0, 3)])
    assert [f.result(15).low_watermark for f in done.values()] == [3]
    assert [r.value for r in kafka_reading.read_to_end(broker, "a", 0)] == [b"3", b"4"]
    broker.kill()
    broker.start()
    assert kafka_reading.read_to_end(broker, "a", 0)[0].value == b"3"
    place = KafkaPythonPartition("a", 0)
    assert client.delete_records({place: -1})[place]["low_watermark"] == 5


def test_delete_records_refuses(broker, client):
    def error(offset, topic="a", partition=0):
        place = KafkaPythonPartition(topic, partition)
        with pytest.raises(kafka_errors.KafkaError) as caught:
            client.delete_records({place: offset}, partition_leader_id=1)
        return caught.value.errno
    assert error(1) == OUT_OF_RANGE and error(-2) == OUT_OF_RANGE
    assert error(0, "none") == UNKNOWN_TOPIC and error(0, "a", 9) == UNKNOWN_TOPIC
    assert error(0, "__mqtt_sessions") == INVALID_TOPIC
    assert altered(broker, "a", ("cleanup.policy", "compact", SET)) is None
    assert error(0) == POLICY_VIOLATION


# Directories

def test_describe_log_dirs_tells_sizes_and_the_volume(broker, client):
    produce(broker, "a", [b"x" * 5000], partition=1)
    [place] = client.describe_log_dirs()[0]["log_dirs"]
    assert place["log_dir"] == broker.data and place["error_code"] == 0
    assert place["total_bytes"] > place["usable_bytes"] > 0
    [topic] = [t for t in place["topics"] if t["name"] == "a"]
    sizes = {p["partition_index"]: p["partition_size"] for p in topic["partitions"]}
    assert sizes[1] > 5000 > sizes[0]
    [asked] = client.describe_log_dirs({"a": [1, 77], "none": [0]})[0]["log_dirs"]
    assert [(t["name"], [p["partition_index"] for p in t["partitions"]])
            for t in asked["topics"]] == [("a", [1])]


def test_alter_replica_log_dirs_knows_one_directory(broker, client):
    def moved(path, topic="a"):
        [error] = client.alter_replica_log_dirs({(topic, 0, 1): path}).values()
        return error
    assert moved(broker.data) in (None, kafka_errors.NoError)
    assert moved("/elsewhere") is kafka_errors.LogDirNotFoundError
    assert moved(broker.data, "none") is kafka_errors.ReplicaNotAvailableError


# The cluster

def test_describe_cluster(broker, client):
    seen = client.describe_cluster()
    assert seen["controller_id"] == 1 and len(seen["cluster_id"]) == 22
    [node] = seen["brokers"]
    assert (node["host"], node["port"], node["is_fenced"]) == ("127.0.0.1", broker.kafka_port, False)
    assert "IDEMPOTENT_WRITE" in seen["authorized_operations"]
    librdkafka = admin(broker)
    told = librdkafka.describe_cluster().result(15)
    assert told.cluster_id == seen["cluster_id"] and told.controller.id == 1


def test_describe_topic_partitions_in_parts(client):
    client.create_topics([NewTopic("b", 3, 1)])
    cursor, seen = None, []
    for _ in range(10):
        part = client.describe_topic_partitions(["b", "a", "none"], 2, cursor)
        seen += [(t["name"], p["partition_index"]) for t in part["topics"] for p in t["partitions"]]
        assert sum(len(t["partitions"]) for t in part["topics"]) <= 2
        cursor = part["next_cursor"]
        if cursor is None:
            break
    assert seen == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2)]
    assert [(t["name"], t["error_code"]) for t in part["topics"]][-1] == ("none", UNKNOWN_TOPIC)


def test_list_config_resources(client):
    listed = client.list_config_resources()
    assert "a" in listed["topic"] and listed["broker"] == ["1"]
    assert set(client.list_config_resources([BROKER])) == {"broker"}


def test_elect_leaders_finds_nothing_to_do(broker, client):
    librdkafka, place = admin(broker), TopicPartition("a", 0)
    for kind in (ElectionType.PREFERRED, ElectionType.UNCLEAN):
        elected = librdkafka.elect_leaders(kind, [place]).result(15)
        assert elected[place].name() == "ELECTION_NOT_NEEDED"
    response = client.elect_leaders(0, {"a": [0, 9], "none": [0]}, raise_errors=False)
    codes = {(t.topic, p.partition_id): p.error_code
             for t in response.replica_election_results for p in t.partition_result}
    assert codes == {("a", 0): ELECTION_NOT_NEEDED, ("a", 9): UNKNOWN_TOPIC,
                     ("none", 0): UNKNOWN_TOPIC}


def test_reassignments_end_where_they_begin(client):
    def moved(replicas, topic="a"):
        place = KafkaPythonPartition(topic, 0)
        return client.alter_partition_reassignments({place: replicas})[place]
    assert moved([1]) is None
    assert moved([2]) is kafka_errors.InvalidReplicationAssignmentError
    assert moved([1, 2]) is kafka_errors.InvalidReplicationAssignmentError
    assert moved(None) is kafka_errors.NoReassignmentInProgressError
    assert moved([1], "none") is kafka_errors.UnknownTopicOrPartitionError
    assert client.list_partition_reassignments() == {}


def test_acls_are_off_without_an_authorizer(client):
    everything = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY,
                           ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY))
    one = ACL("User:a", "*", ACLOperation.READ, ACLPermissionType.ALLOW,
              ResourcePattern(ResourceType.TOPIC, "a"))
    with pytest.raises(kafka_errors.SecurityDisabledError):
        client.describe_acls(everything)
    assert client.create_acls([one])["failed"] == [kafka_errors.SecurityDisabledError]
    [(_, found, error)] = client.delete_acls([everything])
    assert (found, error) == ([], kafka_errors.SecurityDisabledError)
