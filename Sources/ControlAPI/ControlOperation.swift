package import WireFormat

/// The HTTP method by which the web API calls an operation.
package enum HTTPMethod: String, Sendable, CaseIterable { case get, post, patch, delete }

/// A control operation as data: its names in both APIs, its arguments, its result, and the function that performs it.
///
/// The ZeroMQ control socket finds an operation by its name, the HTTP server by method and path. The OpenAPI document
/// is generated from the operations.
package struct ControlOperation<Target: Sendable>: Sendable {
    /// The operation's name in requests on the ZeroMQ control socket, such as "query.add".
    package let name: String
    package let summary: String
    /// The lowest role that allows a client to request the operation.
    package let role: Role
    package let method: HTTPMethod
    /// The operation's HTTP path below the API's root; names in braces are arguments, as in "/queries/{id}".
    package let path: String
    /// The schema of all arguments; by HTTP those that are not in the path are in the query string or the body.
    package let arguments: Schema
    package let result: Schema
    /// The error codes that this operation can answer, besides those of every operation.
    package let failures: [FailureCode]
    package let traits: OperationTraits
    /// True if the operation limits its result to the streams that the client may see.
    ///
    /// If false, clients that may see only some streams are refused.
    package let mindsStreams: Bool
    package let perform: @Sendable (Target, JSONValue, Caller) async throws -> JSONValue

    package init(
        _ name: String, _ method: HTTPMethod, _ path: String, _ summary: String, needs role: Role,
        takes arguments: Schema = .object([]),
        answers result: Schema, fails failures: [FailureCode] = [], traits: OperationTraits = [],
        _ perform: @escaping @Sendable (Target, JSONValue) async throws -> JSONValue
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.summary = summary
        self.role = role
        self.arguments = arguments
        self.result = result
        self.failures = failures
        self.traits = traits
        mindsStreams = false
        self.perform = { target, arguments, _ in try await perform(target, arguments) }
    }

    /// Makes an operation that limits its result to the streams that the client may see.
    package init(
        _ name: String, _ method: HTTPMethod, _ path: String, _ summary: String, needs role: Role,
        takes arguments: Schema = .object([]),
        answers result: Schema, fails failures: [FailureCode] = [], traits: OperationTraits = [],
        minding perform: @escaping @Sendable (Target, JSONValue, Caller) async throws -> JSONValue
    ) {
        self.name = name
        self.summary = summary
        self.role = role
        self.method = method
        self.path = path
        self.arguments = arguments
        self.result = result
        self.failures = failures
        self.traits = traits
        mindsStreams = true
        self.perform = perform
    }

    /// True if the operation's requests may be as large as an import of queries.
    package var isLarge: Bool { traits.contains(.large) }

    /// True if the answer or the request may be long, so that the operation runs on other threads than short requests.
    package var isBulk: Bool { !traits.isDisjoint(with: [.bulk, .large]) }

    /// The number of seconds that the operation may take; Watchword's own clients wait longer than that.
    package var timeLimit: Double { isLarge ? 3600 : traits.contains(.slow) ? 110 : 25 }

    /// The arguments with their schemas; empty if the operation takes no arguments or any object.
    package var properties: [Schema.Property] {
        if case .object(let properties, _) = arguments { properties } else { [] }
    }

    /// The names of the arguments that are part of the HTTP path.
    package var pathArguments: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}
