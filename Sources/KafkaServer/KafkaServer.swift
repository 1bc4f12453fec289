// KafkaServer lets any Kafka client read this box's log.
//
// Start at `KafkaService`: it lives on the Kafka loop and makes a `KafkaConnectionHandler` for each
// connection, which cuts the input into frames and answers them in order. What an answer says is
// decided in values without a socket: `BrokerAnswers` for everything but Fetch, and `FetchPass` for
// Fetch, which copies stored batches from the log into the response as they are.
//
// A fetch that finds too little is not kept in another form: its frame stays unconsumed, reading
// pauses, and `FetchWaiters` says when to look again. So there is one path from bytes to an answer,
// however often it is walked. Nothing past the high watermark is ever shown. Records on their way
// out are paid for from one pool; while it is full, fetches wait and nobody is disconnected.
//
// Not here yet: Produce (answered with an error), groups, fetch sessions (every answer is a full
// one, which KIP-227 allows), and reading cold segments anywhere but on this loop.
enum KafkaServerLimits {
    /// A connection that has been answered this much is read again once it took the answers.
    static let outputBytesPerCallMax = 1 << 20
    /// No long poll lasts longer: a peer that vanished silently is noticed by the next write.
    static let fetchWaitMax = Duration.seconds(300)
    /// The least memory a fetch asks for while the pool is nearly empty.
    static let fetchReservationMin = 64 << 10
    /// How long a fetch waits for memory, at least, before it is answered with no records.
    static let memoryWaitMin = Duration.seconds(1)
    /// A long poll that asks for more than a byte is looked at no more often than this.
    static let patientFetchInterval = Duration.milliseconds(10)
    /// What is kept of a client's name for itself.
    static let clientNameLengthMax = 64
}
