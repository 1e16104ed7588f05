package import WireFormat

/// A method by which HTTP asks for an operation.
package enum HTTPMethod: String, Sendable, CaseIterable { case get, post, patch, delete }

/// A control operation as data: what it is called on each socket, what it takes, what it answers, and how it is done.
///
/// The ZeroMQ socket finds it by name, HTTP by method and path; the OpenAPI document is made of it.
package struct ControlOperation<Target: Sendable>: Sendable {
    /// As in a control request: "query.add".
    package let name: String
    package let summary: String
    /// The role that it needs.
    package let role: Role
    package let method: HTTPMethod
    /// Below the API's root, with the arguments that stand in it in braces: "/queries/{id}".
    package let path: String
    /// Arguments by name; those that do not stand in the path are in the query string, or in the body.
    package let arguments: Schema
    package let result: Schema
    /// Codes of its refusals, besides those of any request.
    package let failures: [FailureCode]
    /// Whether requests may be as large, and take as long, as an import does.
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

    /// Whether its answer may be long: it is made where it holds up no short one.
    package var isBulk: Bool {
        isLarge
            || [
                "query.list", "query.export", "query.backtest", "query.suggest", "history.search", "events.replay",
                "events.open",
            ].contains(name)
    }

    /// Arguments, and their schemas; empty if the operation takes any object.
    package var properties: [Schema.Property] {
        if case .object(let properties, _) = arguments { properties } else { [] }
    }

    /// Names of the arguments that stand in the path.
    package var pathArguments: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}
