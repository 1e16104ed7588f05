import Foundation
package import Watchtower

/// Who may come in: by the bearer token, and by where a browser was when it asked.
///
/// A page on the Internet can make a browser send requests to this machine, and with a name that it lets point here (DNS
/// rebinding) read the answers. Its requests give themselves away by their `Host`, `Origin` or `Sec-Fetch-Site`; no answer
/// ever allows another origin (CORS).
package struct Gate: Sendable {
    private let token: [UInt8]?
    private let hosts: Set<String>

    /// `token`: what requests must bear; none, if nil.
    package init(_ configuration: HTTPConfiguration, token: [UInt8]?) {
        self.token = token
        var hosts = Set(configuration.hosts.map { $0.lowercased() })
        if configuration.isLoopback { hosts.formUnion(["localhost", "127.0.0.1", "[::1]"]) }
        hosts.insert(configuration.address.contains(":") ? "[\(configuration.address)]" : configuration.address)
        self.hosts = hosts
    }

    /// Refuses what another site's page sends.
    ///
    /// `host`: the request's; HTTP/1.0 has none, and no browser speaks that.
    package func check(host: String?, origin: String?, site: String?) throws(Refusal) {
        // Whoever bears the token was told it; a name that points here was not.
        if token == nil, let host, !hosts.contains(Self.name(host)) {
            throw Refusal(
                403, "forbidden",
                "this is not the host \"\(host.prefix(64))\"; names besides its own are listed under http: hosts")
        }
        if let origin, !isOwn(origin, host: host) {
            throw Refusal(403, "forbidden", "pages of \"\(origin.prefix(64))\" are not served")
        }
        if let site, !["same-origin", "none"].contains(site.lowercased()) {
            throw Refusal(403, "forbidden", "pages of other sites are not served")
        }
    }

    /// Refuses a request without the token.
    package func check(authorization: String?) throws(Refusal) {
        guard let token else { return }
        let challenge = ["WWW-Authenticate": "Bearer"]
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else {
            throw Refusal(401, "unauthorized", "a bearer token is needed", headers: challenge)
        }
        let given = Array(authorization.dropFirst(7).trimmingCharacters(in: .whitespaces).utf8)
        guard Self.areEqual(given, token) else {
            throw Refusal(401, "unauthorized", "the bearer token is wrong", headers: challenge)
        }
    }

    /// Compares in a time that does not say where the first difference is.
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
