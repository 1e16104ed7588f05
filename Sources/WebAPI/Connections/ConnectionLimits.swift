import NIOCore
import NIOHTTPTypes

/// Cuts off connections whose request does not come to its end, or whose answer is not read.
///
/// One handler for each connection, used on its event loop alone.
final class ConnectionLimits: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let request: TimeAmount
    private let stall: TimeAmount
    private let counters: WebCounters
    private var requestTimer: Scheduled<Void>?
    private var stallTimer: Scheduled<Void>?
    private var isCounted = false

    /// `request`: for all of a request, from its head on, or from the connection's start for its head; `stall`: for a client
    /// that reads nothing.
    init(request: TimeAmount, stall: TimeAmount, counters: WebCounters) {
        self.request = request
        self.stall = stall
        self.counters = counters
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard !isCounted else { return }
        isCounted = true
        counters.connected(1)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        requestTimer?.cancel()
        stallTimer?.cancel()
        (requestTimer, stallTimer) = (nil, nil)
        if isCounted { counters.connected(-1) }
        isCounted = false
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: requestTimer = timer(context, request)
        case .body: break
        case .end:
            requestTimer?.cancel()
            requestTimer = nil
        }
        context.fireChannelRead(data)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = context.channel.isWritable ? nil : timer(context, stall)
        context.fireChannelWritabilityChanged()
    }

    private func timer(_ context: ChannelHandlerContext, _ time: TimeAmount) -> Scheduled<Void> {
        context.eventLoop.assumeIsolated().scheduleTask(in: time) { [counters] in
            counters.stalled()
            context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension ConnectionLimits: Sendable {}
