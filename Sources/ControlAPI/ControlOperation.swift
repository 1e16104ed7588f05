package import WireFormat

/// An HTTP method of an operation.
package enum HTTPMethod: String, Sendable, CaseIterable { case get, post, patch, delete }

/// A control operation as data: its name on each socket, its arguments, its result, and its function.
///
/// The ZeroMQ socket finds it by name, HTTP by method and path. The OpenAPI document is generated from it.
package struct ControlOperation<Target: Sendable>: Sendable {
    /// The name in a control request, such as "query.add".
    package let name: String
    package let summary: String
    /// The role that a client must have to ask for the operation.
    package let role: Role
    package let method: HTTPMethod
    /// The path below the API's root, with arguments in braces: "/queries/{id}".
    package let path: String
    /// The arguments by name; those that are not in the path are in the query string or the body.
    package let arguments: Schema
    package let result: Schema
    /// The error codes that the operation can answer, besides those that every request can get.
    package let failures: [FailureCode]
    /// Whether requests for the operation may be as large, and take as long, as an import.
    package let isLarge: Bool
    /// Whether it shows a caller no more than the streams that the caller may see; else it is for callers who see all.
    package let mindsStreams: Bool
    package let perform: @Sendable (Target, JSONValue, Caller) async throws -> JSONValue

    package init(
        _ name: String, _ method: HTTPMethod, _ path: String, _ summary: String, needs role: Role,
        takes arguments: Schema = .object([]),
        answers result: Schema, fails failures: [FailureCode] = [], large isLarge: Bool = false,
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
        self.isLarge = isLarge
        mindsStreams = false
        self.perform = { target, arguments, _ in try await perform(target, arguments) }
    }

    /// Makes an operation that shows a caller no more than the streams that the caller may see.
    package init(
        _ name: String, _ method: HTTPMethod, _ path: String, _ summary: String, needs role: Role,
        takes arguments: Schema = .object([]),
        answers result: Schema, fails failures: [FailureCode] = [],
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
        isLarge = false
        mindsStreams = true
        self.perform = perform
    }

    /// Whether the answer may be long, so that the operation runs on other threads than short requests.
    package var isBulk: Bool {
        isLarge
            || [
                "query.list", "query.export", "query.backtest", "query.suggest", "history.search", "events.replay",
                "events.open",
            ].contains(name)
    }

    /// The arguments with their schemas; empty if the operation takes any object.
    package var properties: [Schema.Property] {
        if case .object(let properties, _) = arguments { properties } else { [] }
    }

    /// The names of the arguments in the path.
    package var pathArguments: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}
