import AdminServer
import EventLoop
import Posix

/// The admin HTTP of a broker, from before its data folder is touched until after it is sealed, so
/// that its health can say «starting» and «stopping».
struct AdminFace {
    let address: HostAndPort
    private let server: AdminServer

    /// Nil when nothing is to be served: then no thread of its own is ever started.
    init?(_ address: SocketAddress?, settings: AdminSettings, vitals: BrokerVitals) throws {
        guard let address else { return nil }
        let metrics = BrokerMetrics(vitals: vitals, partitionsMax: settings.metricPartitionsMax)
        do throws(AdminServerError) {
            server = try AdminServer.start(
                host: address.host,
                port: address.port,
                settings: settings,
                pages: AdminPages(
                    metrics: { metrics.page() },
                    health: { vitals.health },
                    status: { BrokerStatus(vitals).json }
                )
            )
        } catch {
            throw Self.failure(error, address)
        }
        self.address = HostAndPort(host: address.host, port: server.port)
    }

    func stop() { server.stop() }

    private static func failure(_ error: AdminServerError, _ address: SocketAddress) -> Failure {
        guard error.code == ErrorCode.addressInUse else {
            return .configuration(
                "\(address): \(error); choose another address with --http, or --http off"
            )
        }
        return ListenerAddresses.failure(.addressInUse(address))
    }
}
