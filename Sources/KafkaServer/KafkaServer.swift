// KafkaServer
