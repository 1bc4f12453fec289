// Ingest turns what devices publish into records of the log.
//
// Start at `IngestLane`, one for each loop that receives publishes. It asks the `RouteTable` for a
// topic, encodes the record straight into the batch of its partition, seals a batch when the log is
// ready for one, and tells which acknowledgements are due once the log has answered. It knows
// neither sessions nor sockets: an `AckToken` is a number that its owner understands.
//
// Limits: one batch holds at most `ingest.batch.bytes`, or one larger record; all batches of a lane
// together hold at most the `ingest` memory pool. A full pool refuses the publish, and its owner
// stops reading.
