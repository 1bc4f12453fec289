import NIOCore
import NIOHTTPTypes

/// Closes a connection whose next request, from the end of the one before to the last byte of its
/// answer, takes longer than it may, or whose body is larger than anybody needs.
final class RequestBounds: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let timeout: TimeAmount
    private var deadline: Scheduled<Void>?
    private var bodyBytes = 0

    init(timeout: Duration) { self.timeout = TimeAmount(timeout) }

    func handlerAdded(context: ChannelHandlerContext) { restart(context.channel) }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: bodyBytes = 0
        case .body(let bytes): bodyBytes += bytes.readableBytes
        case .end: break
        }
        guard bodyBytes <= AdminServerLimits.discardedBytesMax else {
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else {
            return context.write(data, promise: promise)
        }
        let written = promise ?? context.eventLoop.makePromise()
        let (channel, bounds) = (context.channel, NIOLoopBound(self, eventLoop: context.eventLoop))
        written.futureResult.whenSuccess { bounds.value.restart(channel) }
        context.write(data, promise: written)
    }

    private func restart(_ channel: any Channel) {
        deadline?.cancel()
        deadline = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }
}
