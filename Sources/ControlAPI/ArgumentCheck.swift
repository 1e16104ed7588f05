package import WireFormat

extension ControlOperation {
    /// Checks arguments from the ZeroMQ socket against the operation's schema; the error names the key.
    ///
    /// Null counts as missing. Queries are read by `QueryConfiguration`, which is as strict and reports more.
    package func check(_ arguments: JSONValue) throws(ControlFailure) {
        guard !takesQueries else { return try checkKeys(arguments) }
        var given = arguments
        if case .object(let members) = arguments {
            let known = Set(self.arguments.keys)
            given = .object(members.filter { $0.value != .null || !known.contains($0.key) })
        }
        if let problem = Schemas.problem(given, as: self.arguments) {
            throw ControlFailure(.badArgument, problem)
        }
    }

    private var takesQueries: Bool {
        ["query.add", "query.update", "query.import", "query.test"].contains(name)
    }

    private func checkKeys(_ arguments: JSONValue) throws(ControlFailure) {
        guard case .object(let members) = arguments else {
            throw ControlFailure(.badArgument, "expected keys and values")
        }
        // Keys of a query are its reader's to refuse; beside the list of an import there is none.
        guard name == "query.import" else { return }
        let known = Set(properties.map(\.key))
        if let unknown = members.keys.sorted().first(where: { !known.contains($0) }) {
            throw ControlFailure(
                .badArgument,
                "\(unknown.prefix(64)): no such key; there are \(known.sorted().joined(separator: ", "))")
        }
    }
}

extension Schema {
    /// The keys that an object of this schema may have.
    package var keys: [String] {
        switch self {
        case .object(let properties, _): properties.map(\.key)
        case .reference(let name): Schemas.named[name]?.keys ?? []
        default: []
        }
    }
}
