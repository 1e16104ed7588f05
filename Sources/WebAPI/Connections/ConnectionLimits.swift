import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Enforces the limits of one connection: the number of connections, and the times for requests and answers.
///
/// It also ends the answer to a HEAD request after the headers. If a client asks with `Expect: 100-continue` whether to
/// send its body and gets an error, the connection is closed, since its next bytes could be the body or a new request.
/// There is one handler for each connection, used only on its event loop.
final class ConnectionLimits: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The time limits of a connection.
    struct Times {
        /// The time from the connection's start until the headers of its first request have arrived.
        let first: TimeAmount
        /// The time from an answer until the headers of the next request have arrived.
        let idle: TimeAmount
        /// The time for the rest of a request after its headers.
        let request: TimeAmount
        /// The longest time in which the client reads nothing of an answer.
        let stall: TimeAmount
    }

    /// A request on this connection whose answer has not ended.
    private struct Asked {
        let isHead: Bool
        /// True while the client waits for "100 Continue" before it sends its body.
        var waits: Bool
    }

    private let times: Times
    private let table: ConnectionTable
    private let counters: WebCounters
    private var headTimer: Scheduled<Void>?
    private var requestTimer: Scheduled<Void>?
    private var stallTimer: Scheduled<Void>?
    private var isCounted = false
    private var asked: [Asked] = []
    private var isBodyless = false
    private var closes = false

    init(_ times: Times, _ table: ConnectionTable, _ counters: WebCounters) {
        self.times = times
        self.table = table
        self.counters = counters
    }

    // MARK: Life

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
        let (channel, counters) = (context.channel, counters)
        let hasPlace = table.add(ObjectIdentifier(channel), Peer(channel.remoteAddress)) { [weak channel] in
            counters.displaced()
            channel?.close(promise: nil)
        }
        guard hasPlace else {
            counters.displaced()
            return context.close(promise: nil)
        }
        headTimer = timer(context, times.first)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(context) }

    private func end(_ context: ChannelHandlerContext) {
        for timer in [headTimer, requestTimer, stallTimer] { timer?.cancel() }
        (headTimer, requestTimer, stallTimer) = (nil, nil, nil)
        guard isCounted else { return }
        isCounted = false
        counters.connected(-1)
        table.remove(ObjectIdentifier(context.channel))
    }

    private func timer(_ context: ChannelHandlerContext, _ time: TimeAmount) -> Scheduled<Void> {
        context.eventLoop.assumeIsolated().scheduleTask(in: time) { [counters] in
            counters.stalled()
            context.close(promise: nil)
        }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            headTimer?.cancel()
            headTimer = nil
            requestTimer = timer(context, times.request)
            asked.append(Asked(isHead: head.method == .head, waits: head.isExpectingContinue))
            table.began(ObjectIdentifier(context.channel))
        case .body: break
        case .end:
            requestTimer?.cancel()
            requestTimer = nil
        }
        context.fireChannelRead(data)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.kind == .informational:
            if !asked.isEmpty { asked[0].waits = false }
            context.write(data, promise: promise)
        case .head(var head):
            let first = asked.first
            // Without a content length, the server would send the end of a chunked body, which an answer to HEAD must
            // not have.
            isBodyless = first?.isHead == true && head.headerFields[.contentLength] == nil
            closes = first?.waits == true
            if closes { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            answered(context)
            guard !isBodyless else {
                promise?.succeed()
                return
            }
            guard closes else {
                context.write(data, promise: promise)
                return
            }
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            context.writeAndFlush(data, promise: written)
        }
    }

    private func answered(_ context: ChannelHandlerContext) {
        if !asked.isEmpty { asked.removeFirst() }
        table.answered(ObjectIdentifier(context.channel))
        if asked.isEmpty, isCounted {
            headTimer?.cancel()
            headTimer = timer(context, times.idle)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = context.channel.isWritable ? nil : timer(context, times.stall)
        context.fireChannelWritabilityChanged()
    }
}

@available(*, unavailable)
extension ConnectionLimits: Sendable {}

extension HTTPRequest {
    /// The value of the header `Expect` in lower case; nil without that header.
    var expectation: String? {
        HTTPField.Name("Expect").flatMap { headerFields[$0] }?.lowercased()
    }

    var isExpectingContinue: Bool { expectation == "100-continue" }
}
