import Concurrency
import ControlAPI
import Daemon
import Foundation
import HTTPTypes
import Health
import Hummingbird
import HummingbirdCore
import Journal
import Logging
import Matching
import Messaging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import Printing
import Publishing
import WatchwordConfiguration
import WireFormat

/// Answers HTTP requests: finds the route, checks the caller and its limits, and runs the operation.
struct RequestHandler: Sendable {
    let daemon: WatchwordDaemon
    private let operations: Operations
    private let configuration: HTTPConfiguration
    private let limits: WebServer.Limits
    private let counters: WebCounters
    let gate: Gate
    let doorman: Doorman
    let sessions = SessionTable()
    let cookie: SessionCookie
    let page: PageFiles
    private let table: ConnectionTable
    private let working: Working
    private let importing: Working
    private let logger: Logger

    /// Makes the handler; reads the tokens' secrets and the files of the web page.
    init(
        _ daemon: WatchwordDaemon, _ configuration: HTTPConfiguration, _ limits: WebServer.Limits,
        _ counters: WebCounters, _ table: ConnectionTable, _ logger: Logger
    ) throws {
        page = PageFiles(Installation.page)
        if let problem = page.problem { logger.warning("there is no page", metadata: ["problem": "\(problem)"]) }
        cookie = SessionCookie(port: configuration.port)
        self.daemon = daemon
        self.configuration = configuration
        self.limits = limits
        self.counters = counters
        self.logger = logger
        operations = Operations(daemon)
        gate = Gate(configuration, tokens: try configuration.secrets())
        doorman = Doorman(rate: configuration.rate, logger: logger)
        self.table = table
        working = Working(limits.working)
        importing = Working(limits.importing)
    }

    /// Answers a request, also when it is wrong; throws only an error after which the connection cannot be used.
    func respond(_ request: Request, _ channel: any Channel) async throws -> Response {
        let began = ContinuousClock.now
        var route: Route?
        var response: Response
        do {
            response = try await answer(request, channel, &route)
        } catch let error as HTTPParserError {
            throw error
        } catch {
            let refusal = refusal(error)
            response = Self.refused(refusal)
            if refusal.status >= 500, refusal.code == "internal" {
                logger.error("a request failed", metadata: ["path": "\(route?.path ?? "")", "error": "\(error)"])
            }
        }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        response.headers[.xContentTypeOptions] = "nosniff"
        if request.method == .head { response = Self.bodyless(response) }
        counters.answered(
            route?.path ?? "other", response.status.code, seconds: (ContinuousClock.now - began) / .seconds(1))
        return response
    }

    private func refusal(_ error: any Error) -> Refusal {
        switch error {
        case let refusal as Refusal: refusal
        case is NIOTooManyBytesError: Refusal(413, "too-large", "the body is too large")
        case let error as HTTPError:
            Refusal(error.status.code, error.status.code == 413 ? "too-large" : "bad-request", "\(error)")
        default: Refusal(Operations.failure(error))
        }
    }

    private func answer(
        _ request: Request, _ channel: any Channel, _ found: inout Route?
    ) async throws -> Response {
        let headers = request.headers
        try gate.check(
            host: request.head.authority, origin: headers[.origin], site: headers["Sec-Fetch-Site"],
            followsLink: Self.followsLink(request))
        // The first Host header became the authority, so a remaining one is a second.
        guard headers["Host"] == nil else { throw Refusal(400, "bad-request", "Host: it stands twice") }
        if let expectation = request.head.expectation, !request.head.isExpectingContinue {
            throw Refusal(417, "bad-expectation", "Expect: expected 100-continue, found \"\(expectation.excerpt())\"")
        }
        if request.method == .options { return try Self.options(request.head.path ?? "") }
        let target = try RequestTarget(request.head.path ?? "")
        // HEAD is GET without the body.
        let method = request.method == .head ? "GET" : request.method.rawValue
        let (route, path) = try Routes.find(method, target.segments)
        found = route
        let peer = Peer(channel.remoteAddress)
        switch route.endpoint {
        // Health is answered on Swift's cooperative pool, so that it waits for no other request.
        case .health:
            if let problem = daemon.health.problem { throw Refusal(503, "stalled", problem) }
            return Self.json(Data("{\"status\":\"ok\"}".utf8))
        case .readiness:
            guard daemon.health.isReady else { throw Refusal(503, "starting", "queries and streams are not there yet") }
            return Self.json(Data("{\"status\":\"ready\"}".utf8))
        case .page:
            try doorman.admit(peer, "page")
            return try page(path["file"] ?? PageFiles.index, headers)
        case .session(let step) where step != .show:
            try doorman.admit(peer, "session")
            return try await withTaskExecutorPreference(RequestThreads.short) {
                try await changeSession(step, Asked(request, channel, peer, .local, path, target.query, .short))
            }
        default: break
        }
        let sender = try sender(headers, peer)
        let (caller, client) = (sender.caller, sender.key)
        table.letIn(ObjectIdentifier(channel))
        // Metrics have a rate limit of their own, so that many operations do not block monitoring.
        try doorman.admit(peer, route.endpoint.isMetrics ? "\(client) metrics" : client)
        guard caller.role >= route.endpoint.role else {
            throw Refusal(.missing(route.endpoint.role, for: "\(route.method) \(route.path)", caller))
        }
        guard caller.streams == nil || route.endpoint.mindsStreams else {
            throw Refusal(.limited("\(route.method) \(route.path)", caller))
        }
        let threads = Self.threads(route, request)
        return try await withTaskExecutorPreference(threads) {
            try await answer(
                route.endpoint,
                Asked(request, channel, peer, caller, path, target.query, threads, session: sender.session))
        }
    }

    /// Returns true if a browser opens the web page itself in a tab, from a link or by its address.
    private static func followsLink(_ request: Request) -> Bool {
        let path = request.head.path ?? ""
        return (request.method == .get || request.method == .head) && (path == "/" || path.hasPrefix("/?"))
            && request.headers["Sec-Fetch-Mode"] == "navigate" && request.headers["Sec-Fetch-Dest"] == "document"
    }

    /// Returns the threads for a request: those with long bodies or answers must not delay short ones.
    private static func threads(_ route: Route, _ request: Request) -> RequestThreads {
        guard case .operation(let operation) = route.endpoint else { return .short }
        let length = request.headers[.contentLength].flatMap { Int($0) }
        let isLong = operation.hasBody && (length ?? .max) > RequestThreads.large
        return operation.isBulk || isLong ? .bulk : .short
    }

    /// A request that has passed all checks, with its parsed path and query string.
    private struct Asked: Sendable {
        let request: Request
        let channel: any Channel
        let peer: Peer
        let caller: Caller
        let path: [String: String]
        let query: [RequestTarget.Field]
        let threads: RequestThreads
        let session: SessionTable.Session?

        init(
            _ request: Request, _ channel: any Channel, _ peer: Peer, _ caller: Caller, _ path: [String: String],
            _ query: [RequestTarget.Field], _ threads: RequestThreads, session: SessionTable.Session? = nil
        ) {
            self.request = request
            self.channel = channel
            self.peer = peer
            self.caller = caller
            self.path = path
            self.query = query
            self.threads = threads
            self.session = session
        }
    }

    /// Answers a request to open or end a browser's session.
    private func changeSession(_ step: SessionStep, _ asked: Asked) async throws -> Response {
        try Self.refuse(asked.query)
        guard step == .open else { return try endSession(asked.request.headers) }
        let place = try working.take(asked.peer)
        defer { withExtendedLifetime(place) {} }
        return try openSession(try await body(of: asked, most: 4096), asked.request.headers, asked.peer)
    }

    private func answer(_ endpoint: Endpoint, _ asked: Asked) async throws -> Response {
        switch endpoint {
        case .operation(let operation): return try await perform(operation, asked)
        case .eventStream:
            let stream = try await EventStream(
                daemon, counters, query: asked.query, lastEventID: asked.request.headers["Last-Event-ID"],
                for: asked.caller)
            guard asked.request.method != .head else { return Self.eventStream(ResponseBody()) }
            let isOver = Self.isOver(asked)
            return try follow(asked.request.body, Self.eventStream) { try await stream.write(&$0, until: isOver) }
        case .live:
            let stream = try LiveStream(daemon, query: asked.query, for: asked.caller)
            guard asked.request.method != .head else { return Self.live(ResponseBody()) }
            let isOver = Self.isOver(asked)
            return try follow(asked.request.body, Self.live, on: .live) { try await stream.write(&$0, until: isOver) }
        case .metrics:
            let page = MetricsPage.text(try await daemon.metrics(), counters.snapshot)
            return Self.response(200, Exposition.contentType, ByteBuffer(string: page))
        case .picture: return try picture(asked.query, asked.caller)
        default: break
        }
        // The argument `seq` is ignored: it gives each version of an event's picture its own address in browsers.
        if case .snapshot = endpoint {
            _ = try ArgumentReader.texts(asked.query, Self.snapshotArguments)
            return try await snapshot(asked.path["event"] ?? "", asked.caller)
        }
        if case .clip = endpoint {
            return try await clip(
                asked.path["event"] ?? "", asked.query, asked.request.headers, asked.caller)
        }
        try Self.refuse(asked.query)
        switch endpoint {
        case .document: return Self.json(try OpenAPIDocument.data())
        case .session: return try showSession(asked.caller, asked.request.headers)
        case .movie:
            return try await movie(asked.path["name"] ?? "", asked.request, asked.caller, Self.isOver(asked))
        default: throw Refusal(404, "not-found", "there is nothing at this path")
        }
    }

    /// Answers an OPTIONS request with the methods allowed at a path; `*` means the server as a whole.
    private static func options(_ target: String) throws(Refusal) -> Response {
        let methods = target == "*" ? Routes.methods : try Routes.methods(at: RequestTarget(target).segments)
        return Response(status: .noContent, headers: [.allow: methods.joined(separator: ", ")])
    }

    /// Returns the answer to a HEAD request: without the body, but with the body's length.
    private static func bodyless(_ response: Response) -> Response {
        response.status == .noContent ? response : response.createHeadResponse()
    }

    private static func refuse(_ query: [RequestTarget.Field]) throws(Refusal) {
        guard let field = query.first else { return }
        throw Refusal(400, "bad-argument", "\(field.name.prefix(64)): no such argument; there is none")
    }

    // MARK: Operations

    private func perform(_ operation: DaemonOperation, _ asked: Asked) async throws -> Response {
        let place = try (operation.isLarge ? importing : working).take(asked.peer)
        defer { withExtendedLifetime(place) {} }
        let body =
            operation.hasBody
            ? try await body(of: asked, most: operation.isLarge ? limits.largeBody : limits.body) : Data()
        let arguments = try ArgumentReader.read(
            operation, path: asked.path, query: asked.query, body: body,
            contentType: asked.request.headers[.contentType])
        return Self.json(
            try WireCoding.encode(
                try await operations.perform(operation.name, arguments, for: asked.caller, on: asked.threads)))
    }

    private func body(of asked: Asked, most: Int) async throws -> Data {
        let request = asked.request
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > most {
            throw Refusal(413, "too-large", "the body has \(length) bytes, at most \(most) are taken")
        }
        if request.head.isExpectingContinue {
            try await asked.channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
        }
        return Data(try await request.body.collect(upTo: most).readableBytesView)
    }

    static let snapshotArguments: [Schema.Property] = [
        .init("seq", .integer(0...Int64.max), "Changes nothing: an address for each picture of an event that goes on.")
    ]

    private func snapshot(_ event: String, _ caller: Caller) async throws -> Response {
        if let problem = Schemas.problem(.string(event), as: .event, at: "event") {
            throw Refusal(400, "bad-argument", problem)
        }
        guard try await sees(event, caller), let picture = try await daemon.outbox.snapshot(of: event) else {
            throw Refusal(404, "not-found", "there is no picture of event \"\(event)\"")
        }
        return Self.response(200, "image/jpeg", ByteBuffer(bytes: picture))
    }

    /// Returns true if the caller may see the stream of an event.
    func sees(_ event: String, _ caller: Caller) async throws -> Bool {
        guard caller.streams != nil else { return true }
        return try await daemon.outbox.newest(ofEvent: event)?.watched.map(caller.sees) ?? false
    }

    /// Answers with the picture that the history has of a stream near a time; it reads the disk on this thread.
    private func picture(_ query: [RequestTarget.Field], _ caller: Caller) throws -> Response {
        let values = try ArgumentReader.texts(query, PicturePath.arguments)
        guard let stream = values["stream"], let moment = values["at"].flatMap({ Moment($0) }) else {
            throw Refusal(422, "bad-argument", "at: expected a time like 2026-11-30T12:00:00Z")
        }
        guard let history = daemon.history else { throw Refusal(404, "not-found", "no history is kept") }
        guard caller.sees(stream), let found = history.picture(stream, at: moment.secondsSince1970) else {
            throw Refusal(
                404, "not-found",
                "the history has no picture of stream \"\(stream.excerpt())\" within 10 s of \(moment)")
        }
        return Self.response(200, "image/jpeg", ByteBuffer(bytes: found.jpeg))
    }

    /// Returns a function that tells whether the session of this request has ended; false for a request without one.
    private static func isOver(_ asked: Asked) -> @Sendable () -> Bool {
        { [session = asked.session] in session?.isOver() == true }
    }

    /// Answers with the output of `write` until the client disconnects.
    ///
    /// Throws 429 if the configured number of clients already have such an endless answer.
    func follow(
        _ body: RequestBody, _ response: (ResponseBody) -> Response, on threads: RequestThreads = .short,
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) throws -> Response {
        guard counters.takeFollower(most: configuration.followers) else {
            throw Refusal(
                429, "too-many", "\(configuration.followers) clients follow already", headers: ["Retry-After": "5"])
        }
        let place = Place { [counters] in counters.leaveFollower() }
        return response(
            ResponseBody { writer in
                defer { place.leave() }
                // A disconnection is noticed at once, and not only with the next write.
                try await body.consumeWithCancellationOnInboundClose { _ in
                    try await withTaskExecutorPreference(threads) { try await write(&writer) }
                }
                try await writer.finish(nil)
            })
    }

    private static func eventStream(_ body: ResponseBody) -> Response { endless("text/event-stream", body) }
    private static func live(_ body: ResponseBody) -> Response { endless(LiveStream.contentType, body) }

    static func endless(_ type: String, _ body: ResponseBody) -> Response {
        var response = Response(status: .ok, headers: [.contentType: type], body: body)
        // The length is unknown, also for a HEAD request without a body.
        response.headers[.contentLength] = nil
        // Without this header some proxies would collect messages before they pass them on.
        response.headers["X-Accel-Buffering"] = "no"
        return response
    }

    // MARK: Answers

    private static func refused(_ refusal: Refusal) -> Response {
        let body = JSONValue.object([
            "error": .object(["code": .string(refusal.code), "message": .string(refusal.message)])
        ])
        var response = response(
            refusal.status, "application/json", ByteBuffer(bytes: (try? WireCoding.encode(body)) ?? Data("{}".utf8)))
        for (name, value) in refusal.headers { response.headers[name] = value }
        return response
    }

    static func json(_ data: Data) -> Response { response(200, "application/json", ByteBuffer(bytes: data)) }

    private static func response(_ status: Int, _ type: String, _ body: ByteBuffer) -> Response {
        Response(
            status: HTTPResponse.Status(code: status), headers: [.contentType: type],
            body: ResponseBody(byteBuffer: body))
    }
}

extension HTTPFields {
    /// The value of a header field, for names that the HTTP library has no constant for.
    subscript(name: String) -> String? {
        get { HTTPField.Name(name).flatMap { self[$0] } }
        set { if let name = HTTPField.Name(name) { self[name] = newValue } }
    }
}
