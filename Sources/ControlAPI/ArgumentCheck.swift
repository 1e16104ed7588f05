package import WireFormat

extension ControlOperation {
    /// Checks a request's arguments against the operation's schema; throws an error that names the wrong key.
    ///
    /// It is for requests from the ZeroMQ socket. A null value counts as a missing key. For operations that take
    /// queries only the keys are checked here: `QueryConfiguration` checks the values and reports more.
    package func check(_ arguments: JSONValue) throws(ControlFailure) {
        guard !traits.contains(.queries) else { return try checkKeys(arguments) }
        var given = arguments
        if case .object(let members) = arguments {
            let known = Set(self.arguments.keys)
            given = .object(members.filter { $0.value != .null || !known.contains($0.key) })
        }
        if let problem = Schemas.problem(given, as: self.arguments) {
            throw ControlFailure(.badArgument, problem)
        }
    }

    private func checkKeys(_ arguments: JSONValue) throws(ControlFailure) {
        guard case .object(let members) = arguments else {
            throw ControlFailure(.badArgument, "expected keys and values")
        }
        // An import has a list of queries, whose keys `QueryConfiguration` checks.
        guard isLarge else { return }
        let known = Set(properties.map(\.key))
        if let unknown = members.keys.sorted().first(where: { !known.contains($0) }) {
            throw ControlFailure(
                .badArgument,
                "\(unknown.prefix(64)): no such key; there are \(known.sorted().joined(separator: ", "))")
        }
    }
}

extension Schema {
    /// The keys of an object of this schema; empty for schemas of other values.
    package var keys: [String] {
        switch self {
        case .object(let properties, _): properties.map(\.key)
        case .reference(let name): Schemas.named[name]?.keys ?? []
        default: []
        }
    }
}
