package import Daemon
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import Messaging
import NIOCore
import Synchronization
package import WatchwordConfiguration

/// The HTTP server: health, metrics, control operations, the event stream, live pictures and the web page.
package final class WebServer: Sendable {
    /// Limits on requests and connections; the operations have their own time limits.
    package struct Limits: Sendable {
        package var body = 1 << 20
        /// The greatest size in bytes of the body of an import (an operation that takes large data).
        package var largeBody = 64 << 20
        package var headers = 16_384
        /// The greatest number of requests in progress; one client address may have three quarters of them.
        package var working = 64
        /// The greatest number of imports at once, each of which may hold a large body in memory.
        package var importing = 2
        /// The seconds that a new connection has until the headers of its first request have arrived.
        ///
        /// `request` limits the rest of a request, `idle` the time between requests, and `stall` the time in which the
        /// client reads nothing of an answer.
        package var first: Int64 = 10
        package var request: Int64 = 30
        package var idle: Int64 = 30
        package var stall: Int64 = 30

        package init() {}
    }

    /// The server's address as a URL, with the port that the system chose if port 0 was configured.
    package let address: String
    package let counters: WebCounters
    private let running: Task<Void, any Error>

    /// Starts the server; returns once it listens, and throws if its address cannot be bound.
    package init(
        _ configuration: HTTPConfiguration, _ daemon: WatchwordDaemon, limits: Limits = Limits(), logger: Logger
    ) async throws {
        let counters = WebCounters()
        self.counters = counters
        let table = ConnectionTable(most: configuration.connections)
        let handler = try RequestHandler(daemon, configuration, limits, counters, table, logger)
        let times = ConnectionLimits.Times(
            first: .seconds(limits.first), idle: .seconds(limits.idle), request: .seconds(limits.request),
            stall: .seconds(limits.stall))
        var quiet = logger
        // The library's errors are only about disconnected clients and the server's own stop.
        quiet.logLevel = .critical
        let (bound, continuation) = AsyncStream<Int>.makeStream()
        let application = Application(
            responder: CallbackResponder<ConnectionContext> { request, context in
                try await handler.respond(request, context.channel)
            },
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionLimits(times, table, counters)],
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: limits.headers, maxHeaderListSize: limits.headers, maxHeaderFieldCount: 100)
                )),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.address, port: configuration.port), backlog: 1024),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? configuration.port) },
            logger: quiet)
        let running = Task {
            defer { continuation.finish() }
            try await application.run()
        }
        self.running = running
        let host = configuration.address.contains(":") ? "[\(configuration.address)]" : configuration.address
        var port: Int?
        for await first in bound {
            port = first
            break
        }
        guard let port else {
            throw MessagingError("http://\(host):\(configuration.port) \(Self.reason(await running.result))")
        }
        address = "http://\(host):\(port)"
    }

    private static func reason(_ result: Result<Void, any Error>) -> String {
        guard case .failure(let error) = result else { return "cannot be bound" }
        if let error = error as? IOError, error.errnoCode == EADDRINUSE { return "is in use by another process" }
        return "cannot be bound: \(error)"
    }

    /// Waits up to a second until clients of endless answers have received the last messages, then closes everything.
    package func stop() async {
        let end = ContinuousClock.now + .seconds(1)
        while counters.snapshot.followers > 0, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(10))
        }
        running.cancel()
        _ = await running.result
    }
}

/// The context of a request in the HTTP library, with the connection's channel.
private struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}
