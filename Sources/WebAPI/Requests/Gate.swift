import Foundation
package import WatchwordConfiguration
package import WireFormat

/// Admits HTTP requests by their bearer token, and rejects those that other sites' pages send through a browser.
///
/// A page on the Internet can make a browser send requests to this machine; and by a name that resolves to this machine
/// (DNS rebinding) it can read the answers. Such requests are recognised by their `Host`, `Origin` or `Sec-Fetch-Site`.
/// No answer ever allows another origin (CORS).
package struct Gate: Sendable {
    private let tokens: [HTTPToken]
    private let hosts: Set<String>

    /// Makes a gate that admits requests with one of these tokens; if there are none, no token is needed.
    package init(_ configuration: HTTPConfiguration, tokens: [HTTPToken]) {
        self.tokens = tokens
        var hosts = Set(configuration.hosts.map { $0.lowercased() })
        if configuration.isLoopback { hosts.formUnion(["localhost", "127.0.0.1", "[::1]"]) }
        hosts.insert(configuration.address.contains(":") ? "[\(configuration.address)]" : configuration.address)
        self.hosts = hosts
    }

    /// Throws 403 if another site's page sent the request, by its headers `Host`, `Origin` and `Sec-Fetch-Site`.
    ///
    /// `host` is nil only in HTTP/1.0, which no browser speaks. With `followsLink`, the request opens the web page in a
    /// tab, which a link on any site may do; only the user sees that answer.
    package func check(host: String?, origin: String?, site: String?, followsLink: Bool = false) throws(Refusal) {
        // If tokens are configured, the host's name does not matter: another site's page does not know a token.
        if tokens.isEmpty, let host, !hosts.contains(Self.name(host)) {
            throw Refusal(
                403, "forbidden",
                "this is not the host \"\(host.prefix(64))\"; names besides its own are listed under http: hosts")
        }
        if let origin, !isOwn(origin, host: host) {
            throw Refusal(403, "forbidden", "pages of \"\(origin.prefix(64))\" are not served")
        }
        if let site, !followsLink, !["same-origin", "none"].contains(site.lowercased()) {
            throw Refusal(403, "forbidden", "pages of other sites are not served")
        }
    }

    /// True if requests need a token, because the configuration has one.
    package var hasToken: Bool { !tokens.isEmpty }

    /// Returns the caller that a request's bearer token names; throws 401 if the token is missing or wrong.
    ///
    /// Without configured tokens, every caller is `.local`.
    @discardableResult
    package func check(authorization: String?) throws(Refusal) -> Caller {
        guard !tokens.isEmpty else { return .local }
        let challenge = ["WWW-Authenticate": "Bearer"]
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else {
            throw Refusal(401, "unauthorized", "a bearer token is needed", headers: challenge)
        }
        let given = Array(authorization.dropFirst(7).trimmingCharacters(in: .whitespaces).utf8)
        // The token is compared with every configured one, so that the time does not tell which one matched.
        let known = tokens.filter { Self.areEqual(given, $0.secret) }
        guard let token = known.first else {
            throw Refusal(401, "unauthorized", "the bearer token is wrong", headers: challenge)
        }
        return Caller(name: token.name, role: token.role, address: "http", streams: token.streams)
    }

    /// Compares two byte strings in a time that does not depend on where they first differ.
    static func areEqual(_ given: [UInt8], _ token: [UInt8]) -> Bool {
        var difference = given.count ^ token.count
        for index in token.indices { difference |= Int((index < given.count ? given[index] : 0) ^ token[index]) }
        return difference == 0
    }

    private func isOwn(_ origin: String, host: String?) -> Bool {
        guard let host, let scheme = origin.range(of: "://") else { return false }
        return origin[scheme.upperBound...].lowercased() == host.lowercased()
    }

    /// Returns the host in lower case, without its port.
    private static func name(_ host: String) -> String {
        let host = host.lowercased()
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }
}
