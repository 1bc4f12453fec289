/// The first batch of a topic that kcat filled and Apache Kafka 4.3 stored: one record with the
/// key `k1`, the value `value 1 1 1` and the header `src: kcat`.
enum KafkaBatch {
    static let bytes = hex(
        """
        0000000000000000 0000004e 00000000 02 54abbe48 0000 00000000
        000001a1fc5447f4 000001a1fc5447f4 ffffffffffffffff ffff ffffffff 00000001
        38 00 00 00 04 6b31 16 76616c75652031203120 31 02 06 737263 08 6b636174
        """
    )
}
