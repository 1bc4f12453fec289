// MQTTServer
