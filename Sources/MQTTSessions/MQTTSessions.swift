// MQTTSessions
