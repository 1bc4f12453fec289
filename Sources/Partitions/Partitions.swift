// Partitions gives the commit log its thread.
//
// Start at `PartitionShard`: it lives on a storage loop, the only loop that may block on the disk,
// and commits in groups: what arrives while a sync runs forms the next commit. Network loops reach
// it through its mailbox, a `SealedBatch` at a time, and hear back through their own.
// `PartitionStore` is the same work without a thread, so that the simulation can crash it at every
// file call: it makes, changes and deletes topics, whose records are in `ClusterMetadataLog` with a
// `MetadataCheckpoint` in the place of a long history, and runs retention in steps that
// `ShardUpkeep` puts between bursts. `TopicCatalog` says which topics there are; its
// `PartitionReader`s serve any thread. `LogCleaner`'s thread cleans compacted logs, and
// `ShardCleaning` is the storage loop's half of it. `ReaderPool`'s threads wait for cold pages
// where a network loop must not. A `SealedBatch` with producer ids is checked batch by batch, and
// its `outcomes` tell of each. Nothing here knows MQTT or Kafka's protocol.
