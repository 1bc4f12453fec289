// BrokerModel holds the words that every other module shares.
//
// Start at `TopicPartition`, `Offset` and `Timestamp`. `ByteReader` and `ByteWriter` are the two
// cursors that every codec uses; `MemoryPool` is the ledger behind back-pressure; a
// `ConfigurationKey` says what a module can be told. Nothing here opens a file or a socket, starts
// a thread, asks the time or imports C. The cursors are public, not package: the release build
// inlines only public functions across modules.
