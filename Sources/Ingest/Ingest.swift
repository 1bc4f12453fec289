// Ingest turns what devices publish into records of the log.
//
// Start at `IngestLane`, one for each loop that receives publishes. Its `Router` finds the topic,
// the key and the headers that the first matching `Route` gives, and remembers them for each MQTT
// topic. The lane encodes the record straight into the batch of its partition, seals a batch when
// the log is ready for one, and tells which acknowledgements are due once the log has answered. It
// knows neither sessions nor sockets: an `AckToken` is a number that its owner understands.
//
// A topic that is not there is asked for once, and its records wait for it. One that was deleted is
// noticed by the catalog's generation, once a burst, and made again at its next use.
//
// Limits: one batch holds at most `ingest.batch.bytes`, or one larger record that the log takes.
// All batches of a lane together, and what waits for topics, hold at most the `ingest` memory pool;
// a full pool takes what has come and says so, and the lane's owner stops reading. Routes derive at
// most `route.topics.max` topics, and the router remembers `route.cache.entries` MQTT topics.
