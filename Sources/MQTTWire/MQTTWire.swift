// MQTTWire
