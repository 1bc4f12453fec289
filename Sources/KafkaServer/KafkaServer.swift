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
// Fetch sessions (KIP-227) are `FetchSessionCache`'s. A request is taken in once, with the first
// look at it, and what was told is remembered once, with the answer that leaves; between the two a
// look changes nothing.
//
// This loop reads only what is in memory. A fetch that needs the disk, and every lookup by time, is
// answered by a `ReaderPool`'s thread; its connection waits, all others go on. `FetchTurns` bounds
// what one iteration reads, and half of the pool is kept for small fetches, so neither a greedy
// consumer nor one that takes nothing holds up another.
//
// A Produce is checked on this loop, batch by batch, and copied into `ProduceLane`, which sends the
// batches of a burst to their partitions together. Many requests of a connection may be on their
// way; their answers leave in order, and a request of another kind waits for them. One that the
// log does not answer for in the time it gives is answered REQUEST_TIMED_OUT. One that is larger
// than a request may be is read and forgotten, and answered MESSAGE_TOO_LARGE. What makes or
// deletes a topic waits like a fetch, until the storage loop has done it.
//
// What a producer with an id sends is checked by the log, batch by batch; `ProducerIDs` gives the
// ids, out of blocks that the storage loop has made durable.
//
// `GroupCoordinator` does what `GroupDirectory` decides about consumer groups. A member's request
// that waits for others stays at the front of its connection's input, as everything that waits.
// What groups have committed is `GroupOffsets`. It and the groups write to `__consumer_offsets`
// through one `GroupJournal`, a batch a burst; nobody is answered before that is synced, and nobody
// sees what is not.
//
// Not here yet: transactions.
enum KafkaServerLimits {
    /// A connection that has been answered this much is read again once it took the answers.
    static let outputBytesPerCallMax = 1 << 20
    /// No long poll lasts longer: a peer that vanished silently is noticed by the next write.
    static let fetchWaitMax = Duration.seconds(300)
    /// The least memory a fetch asks for while the pool is nearly empty.
    static let fetchReservationMin = 64 << 10
    /// What one iteration of the loop reads for all fetches together, about: a few milliseconds.
    static let fetchBytesPerTurnMax = 4 << 20
    /// Who was answered no more than this the last time goes before all who were answered more.
    static let lightFetchBytesMax = 64 << 10
    /// How many of the fetches that an iteration had no room for the next one looks at.
    static let fetchesCalledPerTurn = 64
    /// How soon a lookup that found the readers' queue full asks again.
    static let readerRetryInterval = Duration.milliseconds(20)
    /// How long a lookup by time waits for the disk; clients wait half a minute, as a rule.
    static let lookupWaitMax = Duration.seconds(20)
    /// How long a fetch waits for memory, at least, before it is answered with no records.
    static let memoryWaitMin = Duration.seconds(1)
    /// A long poll that asks for more than a byte is looked at no more often than this.
    static let patientFetchInterval = Duration.milliseconds(10)
    /// What is kept of a client's name for itself.
    static let clientNameLengthMax = 64

    // Produce
    /// A Produce above `socket.request.max.bytes` and not above this is answered: Kafka's default.
    static let skippedRequestBytesMax: Int32 = 100 << 20
    /// Requests of one connection that wait for the log.
    static let producesInFlightMax = 4_096
    /// What each request, and each batch in one, takes in memory beside its bytes.
    static let produceOverhead = 256
    /// What one connection's batches may take together, once decompressed, before the others have
    /// their turn: a few milliseconds.
    static let decompressedPerTurnMax = 4 << 20
    /// A producer waits for the log at least so long, whatever it asks for.
    static let produceWaitMin = Duration.seconds(1)
    /// How often the waiting producers are looked at.
    static let produceWatchInterval = Duration.seconds(1)
    /// How long a clean stop waits for the log's last answers.
    static let stopWaitMax = Duration.seconds(1)
    /// With so many writes to a partition on their way, what comes waits for the next.
    static let appendsInFlightMax = 2
    /// A write is sent before it outgrows this, even when the log is busy.
    static let appendBytesMax = 1 << 20
    /// A batch may take so many times the produce pool once it is decompressed, one at a time.
    static let decompressedShare = 4
    static let spareAppendsMax = 8
    static let spareProducesMax = 1_024
    /// How soon an answer that found no room in the output is tried again.
    static let answerRetryInterval = Duration.milliseconds(20)

    // Groups
    /// A batch of group records is closed once it has grown to this; one request's stay together.
    static let journalBatchBytes = 256 << 10
    /// With so much of groups on its way to the log, connections that bring more are not read.
    static let journalBytesInFlightMax = 4 << 20
    /// Deletions of topics that come within this are one search for their offsets.
    static let offsetSweepDelay = Duration.milliseconds(200)
    /// How old what metrics tell of committed offsets may be, and of how many they tell.
    static let groupLagInterval = Duration.seconds(1)
    static let groupLagEntriesMax = 1_000

    // Producer ids
    /// How long a request waits for the storage loop to make some; clients ask again.
    static let producerIDWaitMax = Duration.seconds(5)

    // Topics
    /// What one Metadata request makes at most.
    static let topicsCreatedByAskingMax = 64
    /// How long it waits for them.
    static let topicCreationWait = Duration.seconds(5)
    static let topicChangeWaitMax = Duration.seconds(60)
    /// With so many changes on their way to the storage loop, no request brings more.
    static let topicChangesPendingMax = 1_024
    /// How soon one that had to wait for that is looked at again.
    static let topicChangeRetryInterval = Duration.milliseconds(20)
    /// Partitions in one answer to DescribeTopicPartitions; Kafka's own default.
    static let partitionsDescribedMax = 2_000
    /// How much of a client's own text an error message repeats.
    static let quotedLengthMax = 256
}
