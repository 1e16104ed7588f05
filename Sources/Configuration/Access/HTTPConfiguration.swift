import Foundation
import Yams

/// The section `http` of the configuration: address, tokens and limits of the web API.
///
/// Without the section, there is no web API.
package struct HTTPConfiguration: Sendable, Equatable {
    /// The IP address to listen on, such as "127.0.0.1", "::1" or "0.0.0.0".
    ///
    /// It is never a host name, which might resolve to another address later.
    package var address = "127.0.0.1"
    /// The TCP port; 0 means any free one.
    package var port = 8787
    /// The access tokens with their roles: first the key `token`, with the role `control`, then those of the key
    /// `tokens`.
    ///
    /// Without any token, everybody who can reach the address may do everything.
    package var tokens: [Token] = []
    /// Further host names that requests may have in `Host`, such as a reverse proxy's.
    package var hosts: [String] = []
    /// The greatest number of connections; beyond it, idle ones are closed for new ones.
    package var connections = 2000
    /// The greatest number of clients that follow the event stream.
    package var followers = 64
    /// The allowed requests per second, on average.
    package var rate = 500

    package init() {}

    init?(_ root: YAMLMapping, path: String) throws(ConfigurationError) {
        try root.refuseEmpty(
            "http", "keys and values; write \"http: {}\" for the usual ones, or leave http out")
        guard let node = root.node("http") else { return nil }
        let values = try YAMLMapping(
            node, path: path, what: "http",
            keys: ["listen", "token", "tokens", "hosts", "connections", "followers", "rate"])
        if let listen = try values.string("listen") {
            guard let (address, port) = Self.split(listen) else {
                throw values.failure(
                    "listen",
                    "\"\(listen.prefix(64))\" is not an address and a port, as in 127.0.0.1:8787 or [::1]:8787")
            }
            (self.address, self.port) = (address, port)
        }
        try values.refuseEmpty("token", "a file, or a credential's name; leave it out for no token")
        if let file = try values.string("token") { tokens = [Token(file: file)] }
        for node in try values.list("tokens") ?? [] { tokens.append(try Token(node, path: path)) }
        var names: Set<String> = []
        for token in tokens where !names.insert(token.name).inserted {
            throw values.failure("tokens", "there are two of the name \"\(token.name.prefix(64))\"; give them a name")
        }
        hosts = try values.strings("hosts") ?? []
        func number(_ key: String, _ range: ClosedRange<Int>, _ usual: Int) throws(ConfigurationError) -> Int {
            let value = try values.integer(key) ?? usual
            guard range.contains(value) else {
                throw values.failure(key, "expected \(range.lowerBound) to \(range.upperBound), found \(value)")
            }
            return value
        }
        connections = try number("connections", 1...100_000, connections)
        followers = try number("followers", 1...10_000, followers)
        rate = try number("rate", 1...100_000, rate)
        guard isLoopback || !tokens.isEmpty else {
            throw values.failure(
                "listen",
                "listening on \(address) without a token would let anybody in; name a file with one: token: FILE")
        }
    }

    /// True if only this machine can reach the address.
    package var isLoopback: Bool { address == "::1" || address.hasPrefix("127.") }

    private static func split(_ text: String) -> (address: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var address = String(text[..<colon])
        let isBracketed = address.hasPrefix("[") && address.hasSuffix("]")
        if isBracketed { address = String(address.dropFirst().dropLast()) }
        if address == "localhost" { address = "127.0.0.1" }
        var (four, six) = (in_addr(), in6_addr())
        let isAddress = isBracketed ? inet_pton(AF_INET6, address, &six) == 1 : inet_pton(AF_INET, address, &four) == 1
        return isAddress ? (address, port) : nil
    }
}
