import Foundation
import NIOCore

/// A client's address: an IPv4 address, or the first 64 bits of an IPv6 address, which one customer usually has.
package struct Peer: Sendable, Hashable, CustomStringConvertible {
    /// The address as text for people: "192.0.2.1", "2001:db8:0:1::/64".
    package let description: String
    /// True if the client is on this machine, where one address has many clients.
    package let isLoopback: Bool

    init(_ address: SocketAddress?) { self.init(address?.ipAddress ?? "unknown") }

    /// Reads a numeric IP address; any other text is taken as it is.
    package init(_ text: String) {
        let four = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
        guard four.utf8.contains(UInt8(ascii: ":")) else {
            (description, isLoopback) = (four, four.hasPrefix("127."))
            return
        }
        isLoopback = four == "::1"
        var six = in6_addr()
        guard !isLoopback, inet_pton(AF_INET6, four, &six) == 1 else {
            description = four
            return
        }
        let bytes = withUnsafeBytes(of: six) { Array($0.prefix(8)) }
        let groups = stride(from: 0, to: 8, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        description = groups.map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
    }
}
