import BrokerModel
import Ingest

/// Reads routes as the configuration file does: one list of `key: value` a route.
func routes(_ rows: [(String, String)]...) throws(ConfigurationTableError) -> [Route] {
    var settings = IngestSettings()
    let cells = rows.map { $0.map { ConfigurationCell(key: $0.0, value: $0.1) } }
    for table in IngestSettings.tables { try table.apply(cells, to: &settings) }
    return settings.routes
}
