import ControlAPI
package import Daemon
import Messaging
package import WireFormat

/// The action on a browser's session that a route stands for.
package enum SessionStep: Sendable { case show, open, end }

/// The action of a route: a control operation, or an answer with a file, a picture, a stream and so on.
package enum Endpoint: Sendable {
    case operation(DaemonOperation)
    case health, readiness, metrics, document
    case eventStream, snapshot, clip, live, movie
    /// A picture of a stream at an earlier time, from the history.
    case picture
    case session(SessionStep)
    /// A file of the web page.
    case page

    /// The role that a client must have for requests to this route.
    package var role: Role {
        if case .operation(let operation) = self { operation.role } else { .view }
    }

    /// True if the answer is restricted to the streams that the caller may see.
    ///
    /// Other routes are only for callers who may see all streams.
    package var mindsStreams: Bool {
        switch self {
        case .operation(let operation): operation.mindsStreams
        case .metrics: false
        case .health, .readiness, .document, .page, .session: true
        case .eventStream, .snapshot, .clip, .live, .movie, .picture: true
        }
    }

    /// True if a request needs neither token nor session, because the answer reveals nothing of what is watched.
    package var isOpen: Bool {
        switch self {
        case .health, .readiness, .page: true
        case .session(let step): step != .show
        default: false
        }
    }

    var isMetrics: Bool { if case .metrics = self { true } else { false } }
}

/// An HTTP method and a path, with what answers them; path segments in braces are arguments.
package struct Route: Sendable {
    package let method: String
    package let path: String
    package let endpoint: Endpoint
    let segments: [Substring]

    init(_ method: String, _ path: String, _ endpoint: Endpoint) {
        self.method = method
        self.path = path
        self.endpoint = endpoint
        segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    /// Returns the arguments in a request's path; nil if the path does not match this route.
    func arguments(_ given: [String]) -> [String: String]? {
        guard given.count == segments.count else { return nil }
        var arguments: [String: String] = [:]
        for (segment, value) in zip(segments, given) {
            if segment.hasPrefix("{"), !value.isEmpty {
                arguments[String(segment.dropFirst().dropLast())] = value
            } else if segment != value {
                return nil
            }
        }
        return arguments
    }
}

/// The list of all HTTP routes.
///
/// Most are generated from the control operations, so that HTTP, the control socket and the OpenAPI document agree.
package enum Routes {
    package static let root = "/api/v1"

    package static let all: [Route] =
        [
            Route("GET", "/healthz", .health), Route("GET", "/readyz", .readiness), Route("GET", "/metrics", .metrics),
            Route("GET", root + "/openapi.json", .document), Route("GET", root + "/events/stream", .eventStream),
            Route("GET", root + "/events/{event}/snapshot", .snapshot), Route("GET", root + "/live", .live),
            Route("GET", root + "/streams/{name}/live.mp4", .movie),
            Route("GET", root + "/events/{event}/clip", .clip), Route("GET", root + PicturePath.path, .picture),
            Route("GET", root + "/session", .session(.show)), Route("POST", root + "/session", .session(.open)),
            Route("DELETE", root + "/session", .session(.end)),
            Route("GET", "/", .page), Route("GET", "/page/{file}", .page),
        ] + Operations.all.map { Route($0.method.rawValue.uppercased(), root + $0.path, .operation($0)) }

    /// Finds the route of a request and the arguments in its path; throws 404 or 405 if there is none.
    package static func find(
        _ method: String, _ segments: [String]
    ) throws(Refusal) -> (route: Route, arguments: [String: String]) {
        let here = try at(segments)
        guard let found = here.first(where: { $0.route.method == method }) else {
            let allowed = try methods(at: segments).joined(separator: ", ")
            throw Refusal(
                405, "bad-method", "\(method.prefix(16)) is not answered here; \(allowed) is",
                headers: ["Allow": allowed])
        }
        return found
    }

    private static func at(
        _ segments: [String]
    ) throws(Refusal) -> [(route: Route, arguments: [String: String])] {
        // Monitors often ask for "/healthz/". Below the API's root, an empty segment is a missing name.
        let given = segments.count == 2 && segments[1].isEmpty ? [segments[0]] : segments
        let here = all.compactMap { route in route.arguments(given).map { (route: route, arguments: $0) } }
        guard !here.isEmpty else { throw Refusal(404, "not-found", "there is nothing at this path") }
        return here
    }

    /// Returns the methods that are answered at a path, sorted; throws 404 if there are none.
    package static func methods(at segments: [String]) throws(Refusal) -> [String] {
        completed(try at(segments).map(\.route.method))
    }

    /// The HTTP methods that are answered at any path.
    package static let methods = completed(all.map(\.method))

    private static func completed(_ methods: [String]) -> [String] {
        Set(methods + ["OPTIONS"] + (methods.contains("GET") ? ["HEAD"] : [])).sorted()
    }
}
