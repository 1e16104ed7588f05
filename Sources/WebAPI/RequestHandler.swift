import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Measures
import Messaging
import NIOCore
import NIOHTTP1
import Synchronization
import Watchtower

/// Answers requests: finds the route, checks who asks and for what, and has the operation done.
struct RequestHandler: Sendable {
    private let tower: Watchtower
    private let operations: Operations
    private let configuration: HTTPConfiguration
    private let limits: WebServer.Limits
    private let counters: WebCounters
    private let gate: Gate
    private let rate: Rate
    private let working: Working
    private let importing: Working
    private let logger: Logger

    /// Reads the tokens.
    init(
        _ tower: Watchtower, _ configuration: HTTPConfiguration, _ limits: WebServer.Limits, _ counters: WebCounters,
        _ logger: Logger
    ) throws {
        self.tower = tower
        self.configuration = configuration
        self.limits = limits
        self.counters = counters
        self.logger = logger
        operations = Operations(tower)
        gate = Gate(configuration, tokens: try configuration.secrets())
        rate = Rate(configuration.rate)
        working = Working(limits.working)
        importing = Working(limits.importing)
    }

    /// Answers any request; throws only what the connection cannot go on from.
    func respond(_ request: Request) async throws -> Response {
        let began = ContinuousClock.now
        var route: Route?
        var response: Response
        do {
            response = try await answer(request, &route)
        } catch let error as HTTPParserError {
            throw error
        } catch {
            let refusal = refusal(error)
            response = Self.refused(refusal)
            if refusal.status >= 500, refusal.code == "internal" {
                logger.error("a request failed", metadata: ["path": "\(route?.path ?? "")", "error": "\(error)"])
            }
        }
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
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

    private func answer(_ request: Request, _ found: inout Route?) async throws -> Response {
        let headers = request.headers
        try gate.check(
            host: request.head.authority, origin: headers[.origin], site: headers["Sec-Fetch-Site"])
        let target = try RequestTarget(request.head.path ?? "")
        let (route, path) = try Routes.find(request.method.rawValue, target.segments)
        found = route
        var caller: Caller?
        if !route.endpoint.isOpen {
            caller = try gate.check(authorization: headers[.authorization])
            guard rate.take() else {
                throw Refusal(
                    429, "too-many-requests", "more than \(configuration.rate) requests a second",
                    headers: ["Retry-After": "1"]
                )
            }
        }
        if let caller, caller.role < route.endpoint.role {
            throw Refusal(.missing(route.endpoint.role, for: "\(route.method) \(route.path)", caller))
        }
        switch route.endpoint {
        case .operation(let operation):
            return try await perform(operation, request, path, target.query, for: caller ?? .local)
        case .eventStream:
            let stream = try EventStream(
                tower.outbox, counters, query: target.query, lastEventID: headers["Last-Event-ID"])
            return try follow(stream, request.body)
        default: break
        }
        try Self.refuse(target.query)
        switch route.endpoint {
        case .health:
            if let problem = tower.vitals.problem { throw Refusal(503, "stalled", problem) }
            return Self.json(Data("{\"status\":\"ok\"}".utf8))
        case .readiness:
            guard tower.vitals.isReady else { throw Refusal(503, "starting", "queries and streams are not there yet") }
            return Self.json(Data("{\"status\":\"ready\"}".utf8))
        case .metrics:
            let page = MetricsPage.text(try await tower.metrics(), counters.snapshot)
            return Self.response(200, Exposition.contentType, ByteBuffer(string: page))
        case .document: return Self.json(try OpenAPIDocument.data())
        case .snapshot: return try await snapshot(path["event"] ?? "")
        case .operation, .eventStream: throw Refusal(404, "not-found", "there is nothing at this path")
        }
    }

    private static func refuse(_ query: [RequestTarget.Field]) throws(Refusal) {
        guard let field = query.first else { return }
        throw Refusal(400, "bad-argument", "\(field.name.prefix(64)): no such argument; there is none")
    }

    // MARK: Operations

    private func perform(
        _ operation: ControlOperation, _ request: Request, _ path: [String: String], _ query: [RequestTarget.Field],
        for caller: Caller
    ) async throws -> Response {
        let place = try (operation.isLarge ? importing : working).take()
        defer { withExtendedLifetime(place) {} }
        let body =
            operation.hasBody
            ? try await body(of: request, most: operation.isLarge ? limits.largeBody : limits.body) : Data()
        let type = request.headers[.contentType]
        let read: @Sendable () throws -> JSONValue = {
            try ArgumentReader.read(operation, path: path, query: query, body: body, contentType: type)
        }
        // A hundred thousand queries are read on a thread of their own.
        let arguments = body.count > 65_536 ? try await offPool { Result { try read() } }.get() : try read()
        let result = try WireCoding.encode(try await operations.perform(operation.name, arguments, for: caller))
        return Self.json(result)
    }

    private func body(of request: Request, most: Int) async throws -> Data {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > most {
            throw Refusal(413, "too-large", "the body has \(length) bytes, at most \(most) are taken")
        }
        return Data(try await request.body.collect(upTo: most).readableBytesView)
    }

    private func snapshot(_ event: String) async throws -> Response {
        if let problem = Schema.event.problem(.string(event), at: "event") {
            throw Refusal(400, "bad-argument", problem)
        }
        guard let picture = try await tower.outbox.snapshot(of: event) else {
            throw Refusal(404, "not-found", "there is no picture of event \"\(event)\"")
        }
        return Self.response(200, "image/jpeg", ByteBuffer(bytes: picture))
    }

    private func follow(_ stream: EventStream, _ body: RequestBody) throws -> Response {
        guard counters.takeFollower(most: configuration.followers) else {
            throw Refusal(
                429, "too-many", "\(configuration.followers) clients follow already", headers: ["Retry-After": "5"])
        }
        let place = Place { [counters] in counters.leaveFollower() }
        var response = Response(
            status: .ok, headers: [.contentType: "text/event-stream"],
            body: ResponseBody { writer in
                defer { place.leave() }
                // One that goes is noticed at once, and not only when something is sent to it.
                try await body.consumeWithCancellationOnInboundClose { _ in try await stream.write(&writer) }
                try await writer.finish(nil)
            })
        // Some proxies would else keep messages until there are more.
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

    private static func json(_ data: Data) -> Response { response(200, "application/json", ByteBuffer(bytes: data)) }

    private static func response(_ status: Int, _ type: String, _ body: ByteBuffer) -> Response {
        Response(
            status: HTTPResponse.Status(code: status), headers: [.contentType: type],
            body: ResponseBody(byteBuffer: body))
    }
}

/// Something taken that is given back once: when it is said, or nobody has it any more.
private final class Place: Sendable {
    private let giveBack: @Sendable () -> Void
    private let isTaken = Mutex(true)

    init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = giveBack }
    deinit { leave() }

    func leave() {
        let wasTaken = isTaken.withLock { isTaken in
            defer { isTaken = false }
            return isTaken
        }
        if wasTaken { giveBack() }
    }
}

/// Requests a second, of all clients; twice as many at once.
private final class Rate: Sendable {
    private let bucket: Mutex<TokenBucket>

    init(_ rate: Int) {
        bucket = Mutex(TokenBucket(rate: Double(rate), burst: Double(rate) * 2, at: .now))
    }

    func take() -> Bool { bucket.withLock { $0.take(at: .now) } }
}

/// Requests that are worked on.
private final class Working: Sendable {
    private let most: Int
    private let count = Mutex(0)

    init(_ most: Int) { self.most = most }

    func take() throws(Refusal) -> Place {
        let isIn = count.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
        guard isIn else {
            throw Refusal(
                503, "busy", "too many requests are being worked on; try again", headers: ["Retry-After": "1"])
        }
        return Place { self.count.withLock { $0 -= 1 } }
    }
}

extension HTTPFields {
    /// A field by a name that is no constant of the library.
    fileprivate subscript(name: String) -> String? {
        get { HTTPField.Name(name).flatMap { self[$0] } }
        set { if let name = HTTPField.Name(name) { self[name] = newValue } }
    }
}
