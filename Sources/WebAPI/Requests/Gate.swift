import Foundation
package import WatchwordConfiguration
package import WireFormat

/// Admits requests by their bearer token, and by the origin of a browser.
///
/// A page on the Internet can make a browser send requests to this machine; and by a name that resolves to this machine
/// (DNS rebinding) it can read the answers. Such requests are recognised by their `Host`, `Origin` or `Sec-Fetch-Site`.
/// No answer ever allows another origin (CORS).
package struct Gate: Sendable {
    private let tokens: [HTTPToken]
    private let hosts: Set<String>

    /// Makes a gate; requests must carry one of the tokens, unless there are none.
    package init(_ configuration: HTTPConfiguration, tokens: [HTTPToken]) {
        self.tokens = tokens
        var hosts = Set(configuration.hosts.map { $0.lowercased() })
        if configuration.isLoopback { hosts.formUnion(["localhost", "127.0.0.1", "[::1]"]) }
        hosts.insert(configuration.address.contains(":") ? "[\(configuration.address)]" : configuration.address)
        self.hosts = hosts
    }

    /// Throws if another site's page sent the request.
    ///
    /// `host` is nil only in HTTP/1.0, which no browser speaks. `followsLink`: the request opens the page in a tab,
    /// which a link on any site may do; only the user sees that answer.
    package func check(host: String?, origin: String?, site: String?, followsLink: Bool = false) throws(Refusal) {
        // Whoever bears the token was told it; a name that points here was not.
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

    /// Whether requests need a token.
    package var hasToken: Bool { !tokens.isEmpty }

    /// The caller that the bearer token names; throws if it is missing or wrong.
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
        // All are compared, whichever it is.
        let known = tokens.filter { Self.areEqual(given, $0.secret) }
        guard let token = known.first else {
            throw Refusal(401, "unauthorized", "the bearer token is wrong", headers: challenge)
        }
        return Caller(name: token.name, role: token.role, address: "http", streams: token.streams)
    }

    /// Compares in a time that does not depend on where the first difference is.
    static func areEqual(_ given: [UInt8], _ token: [UInt8]) -> Bool {
        var difference = given.count ^ token.count
        for index in token.indices { difference |= Int((index < given.count ? given[index] : 0) ^ token[index]) }
        return difference == 0
    }

    private func isOwn(_ origin: String, host: String?) -> Bool {
        guard let host, let scheme = origin.range(of: "://") else { return false }
        return origin[scheme.upperBound...].lowercased() == host.lowercased()
    }

    /// The host without its port.
    private static func name(_ host: String) -> String {
        let host = host.lowercased()
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }
}
