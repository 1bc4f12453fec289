// AdminServer shows the broker to operators over HTTP: metrics, health, status. It changes nothing.
//
// Start at `AdminResponder`, which turns a method and a path into an answer, and at `AdminServer`,
// which puts it on Hummingbird and one thread. What the answers say is made elsewhere: the root
// hands in `AdminPages`, closures that look at the modules' counters. `MetricsPage` writes
// Prometheus's text format, `HealthReport` decides from `HealthFacts` whether the broker is well:
// both are values without a thread. This module knows no other module of ours but BrokerModel.
//
// A client is bounded in every way: how many are served at once (further ones wait in the kernel's
// queue), how long a request and its answer may take, the size of header and body. A page is made
// anew for each request, on the server's own thread, and holds up no event loop.

import BrokerModel
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

enum AdminServerLimits {
    static let headerBytesMax = 16 << 10
    static let headerFieldsMax = 64
    /// No request of ours needs a body. One that announces more than this is refused.
    static let bodyBytesMax = 16 << 10
    /// What comes all the same is thrown away, up to here; then the connection is closed.
    static let discardedBytesMax = 64 << 10
    static let stopTime = Duration.seconds(2)
}

/// The running HTTP server: made by `start`, ended by `stop`, both from outside of its thread.
package final class AdminServer: Sendable {
    /// Where it listens; a port 0 that was asked for has become a real one.
    package let port: UInt16
    private let services: ServiceGroup
    private let executor: LoopExecutor
    private let ended: EventLoopFuture<Void>

    private init(
        port: UInt16,
        services: ServiceGroup,
        executor: LoopExecutor,
        ended: EventLoopFuture<Void>
    ) {
        self.port = port
        self.services = services
        self.executor = executor
        self.ended = ended
    }

    /// Binds the address and serves. Returns once the port answers.
    package static func start(
        host: String,
        port: UInt16,
        settings: AdminSettings,
        pages: AdminPages
    ) throws(AdminServerError) -> AdminServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let executor = LoopExecutor(group.next())
        let bound = executor.loop.makePromise(of: UInt16.self)
        let ended = executor.loop.makePromise(of: Void.self)
        do {
            let services = try group.services(
                settings.server(host: host, port: port),
                responder: AdminResponder(pages: pages),
                settings: settings
            ) { bound.succeed($0) }
            Task.detached(executorPreference: executor) {
                do {
                    try await services.run()
                    bound.fail(AdminServerError(code: 0, words: "ended at once"))
                } catch {
                    bound.fail(error)
                }
                ended.succeed()
            }
            let port = try bound.futureResult.wait()
            return AdminServer(
                port: port,
                services: services,
                executor: executor,
                ended: ended.futureResult
            )
        } catch {
            throw AdminServerError(error)
        }
    }

    /// Closes the listener, lets answers that have begun leave, and cuts what takes too long.
    package func stop() {
        let services = services
        Task.detached(executorPreference: executor) { await services.triggerGracefulShutdown() }
        try? ended.wait()
        // The loop's thread ends with the process: nothing is left for it to do.
    }
}

/// Why the server does not serve.
package struct AdminServerError: Error, CustomStringConvertible {
    /// The errno of the failed call, else zero.
    package let code: Int32
    package let description: String

    init(code: Int32, words: String) {
        self.code = code
        description = words
    }

    init(_ error: any Error) {
        switch error {
        case let error as AdminServerError: self = error
        case let error as IOError: self.init(code: error.errnoCode, words: "\(error)")
        default: self.init(code: 0, words: "\(error)")
        }
    }
}

extension MultiThreadedEventLoopGroup {
    fileprivate func services(
        _ server: ServerConfiguration,
        responder: AdminResponder,
        settings: AdminSettings,
        bound: @escaping @Sendable (UInt16) -> Void
    ) throws -> ServiceGroup {
        let quiet = Logger(label: "http") { _ in SwiftLogNoOpLogHandler() }
        let service = try HTTPServerBuilder.http1(configuration: settings.channel).buildServer(
            configuration: server,
            eventLoopGroup: self,
            logger: quiet
        ) { request, writer, _ in
            let answer = responder.answer(
                method: request.method.rawValue,
                path: request.uri.path,
                bodyBytes: request.headers[.contentLength].flatMap { Int($0) } ?? 0
            )
            let response = Response(answer, isHead: request.method == .head)
            try await writer.write(response: response.head, body: response.body)
        } onServerRunning: { channel in
            bound(UInt16(clamping: channel.localAddress?.port ?? 0))
        }
        var configuration = ServiceGroupConfiguration(services: [service], logger: quiet)
        configuration.maximumGracefulShutdownDuration = AdminServerLimits.stopTime
        return ServiceGroup(configuration: configuration)
    }
}

extension AdminSettings {
    fileprivate func server(host: String, port: UInt16) -> ServerConfiguration {
        ServerConfiguration(
            address: .hostname(host, port: Int(port)),
            backlog: 16,
            availableConnectionsDelegate: MaximumAvailableConnections(
                connectionsMax,
                logger: Logger(label: "http") { _ in SwiftLogNoOpLogHandler() }
            )
        )
    }

    fileprivate var channel: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestBounds(timeout: requestTimeout)],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: AdminServerLimits.headerBytesMax,
                maxHeaderListSize: AdminServerLimits.headerBytesMax,
                maxHeaderFieldCount: AdminServerLimits.headerFieldsMax
            )
        )
    }
}

extension Response {
    fileprivate init(_ answer: AdminAnswer, isHead: Bool) {
        var headers = HTTPFields()
        headers[.contentType] = answer.contentType
        headers[.cacheControl] = "no-store"
        if !answer.allow.isEmpty { headers[.allow] = answer.allow }
        let full = Response(
            status: .init(code: answer.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        )
        self = isHead ? full.createHeadResponse() : full
    }
}
