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

/// The HTTP server: health, metrics, the control operations, the event stream and the live stream.
package final class WebServer: Sendable {
    /// Limits of requests and connections; the operations have time limits of their own.
    package struct Limits: Sendable {
        package var body = 1 << 20
        /// The greatest size of an import's body in bytes.
        package var largeBody = 64 << 20
        package var headers = 16_384
        /// The greatest number of requests in progress; one peer may have three quarters of them.
        package var working = 64
        /// The greatest number of imports at once, each of which may hold a large body.
        package var importing = 2
        /// The seconds until the first request's head has come.
        ///
        /// `request` limits the rest of a request, `idle` the time between requests, `stall` the time in which nothing
        /// of an answer is read.
        package var first: Int64 = 10
        package var request: Int64 = 30
        package var idle: Int64 = 30
        package var stall: Int64 = 30

        package init() {}
    }

    /// The address at which the server listens, with the port that the system chose if 0 was given.
    package let address: String
    package let counters: WebCounters
    private let running: Task<Void, any Error>

    /// Binds the address, and serves until `stop`.
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
        // Its errors are those of clients that go, and its own stop.
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

    /// Sends the followers what was published, then closes every connection.
    package func stop() async {
        let end = ContinuousClock.now + .seconds(1)
        while counters.snapshot.followers > 0, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(10))
        }
        running.cancel()
        _ = await running.result
    }
}

/// The context of a request: its connection.
private struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}
