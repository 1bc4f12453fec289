import KafkaSessions
import Testing
