import SystemSupport
package import WireFormat

/// The list of clients that may connect, by public key; its text has lines of `NAME KEY ROLE[,ROLE]`.
package struct ClientList: Sendable, Equatable {
    package struct Client: Sendable, Equatable {
        package let name: String
        /// The client's highest role, which includes the lower ones.
        package let role: Role
    }

    /// The error of an invalid line in a list of clients; lines are counted from 1.
    package struct Failure: Error, Equatable {
        package let line: Int
        package let reason: String
    }

    private var byKey: [CurvePublicKey: Client] = [:]
    private var byName: [String: Client] = [:]

    package init() {}

    /// Parses a list of clients; empty lines and lines that begin with `#` are ignored.
    package init(_ text: String) throws(Failure) {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let parts = line.split(whereSeparator: \.isWhitespace)
            guard let first = parts.first, !first.hasPrefix("#") else { continue }
            func failure(_ reason: String) -> Failure { Failure(line: index + 1, reason: reason) }
            guard parts.count == 3 else {
                throw failure("expected a name, a public key and roles, found \(parts.count) words")
            }
            let name = String(parts[0])
            guard Identifier.isName(name) else {
                throw failure("\"\(name.prefix(64))\" must be 1 to 64 letters, digits, hyphens or underscores")
            }
            let key: CurvePublicKey
            do { key = try CurvePublicKey(z85: parts[1]) } catch { throw failure("\(error)") }
            var roles: [Role] = []
            for word in parts[2].split(separator: ",", omittingEmptySubsequences: false) {
                guard let role = Role(word: word) else {
                    throw failure("\"\(word.prefix(40))\" is none of \(Role.words)")
                }
                roles.append(role)
            }
            let client = Client(name: name, role: roles.max() ?? .view)
            guard byName.updateValue(client, forKey: name) == nil else {
                throw failure("there are two of the name \"\(name)\"")
            }
            guard byKey.updateValue(client, forKey: key) == nil else { throw failure("this key stands twice") }
        }
    }

    package var count: Int { byKey.count }

    package func client(_ key: CurvePublicKey) -> Client? { byKey[key] }

    /// Returns the role of the client with this name; nil if the list has no such client.
    func role(_ name: String) -> Role? { byName[name]?.role }
}
