import Foundation

/// An IPv4 or IPv6 address; an IPv4 address is stored as an IPv4-mapped IPv6 address.
package struct NetworkAddress: Sendable, Hashable {
    /// The 16 bytes of the IPv6 address, in network order.
    let bytes: [UInt8]

    /// Makes an address from 4 (IPv4) or 16 (IPv6) bytes in network order; nil for any other number of bytes.
    package init?(bytes: [UInt8]) {
        switch bytes.count {
        case 4: self.bytes = Self.mapped + bytes
        case 16: self.bytes = bytes
        default: return nil
        }
    }

    /// Parses an IP address in any numeric form that the C library accepts; nil for other texts.
    ///
    /// Such forms are `127.0.0.1`, `2130706433`, `0x7f.1`, `017700000001`, `::1` and `fe80::1%lo`.
    package init?(_ text: String) {
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        var six = in6_addr()
        if inet_aton(text, &four) != 0 {
            self.init(bytes: withUnsafeBytes(of: &four) { Array($0) })
        } else if inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &six) == 1 {
            self.init(bytes: withUnsafeBytes(of: &six) { Array($0) })
        } else {
            return nil
        }
    }

    private static let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]

    /// This address and, if an IPv4 address is embedded in it, that one too.
    ///
    /// An IPv4 address is embedded by mapping, or by the forms IPv4-compatible, NAT64, 6to4, ISATAP and Teredo.
    var faces: [NetworkAddress] {
        let last = Array(bytes[12...])
        let isEmbedded =
            bytes.starts(with: Self.mapped) || bytes.starts(with: [UInt8](repeating: 0, count: 12))
            || bytes.starts(with: [0, 0x64, 0xFF, 0x9B])
            || bytes[9...11] == [0, 0x5E, 0xFE]
        let carried: [UInt8]? =
            if isEmbedded {
                last
            } else if bytes.starts(with: [0x20, 0x02]) {
                Array(bytes[2..<6])
            } else if bytes.starts(with: [0x20, 0x01, 0, 0]) {
                last.map { ~$0 }
            } else {
                nil
            }
        return [self] + (carried.flatMap { NetworkAddress(bytes: $0) }.map { [$0] } ?? [])
    }

    /// True unless the address is loopback, link-local, a cloud's metadata service, multicast or broadcast.
    ///
    /// An IPv4 address embedded in it counts too.
    package var isOrdinary: Bool {
        !faces.contains { face in Self.special.contains { $0.contains(face) } || face.isMulticast }
    }

    var isMulticast: Bool {
        bytes[0] == 0xFF || bytes.starts(with: Self.mapped) && (0xE0...0xEF).contains(bytes[12])
    }

    private static let special: [AddressRange] = [
        // This host, loopback, link-local (cloud metadata is here), broadcast.
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "255.255.255.255", "::", "::1", "fe80::/10", "fec0::/10",
        // The metadata services of Amazon, Google, Alibaba, Oracle and Azure at other addresses.
        "fd00:ec2::/32", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16",
    ].compactMap { AddressRange($0) }
}

/// A range of IP addresses with a common prefix, as in `10.0.0.0/8`, or a single address.
package struct AddressRange: Sendable, Hashable {
    private let first: NetworkAddress
    /// The length of the common prefix in bits, within 16 bytes: an IPv4 range `10.0.0.0/8` has 96 + 8.
    private let bits: Int

    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let address = NetworkAddress(parts[0]) else { return nil }
        let isFour = !parts[0].contains(":")
        first = address
        guard parts.count == 2 else {
            bits = 128
            return
        }
        guard let count = Int(parts[1]), (0...(isFour ? 32 : 128)).contains(count) else { return nil }
        bits = isFour ? 96 + count : count
    }

    package func contains(_ address: NetworkAddress) -> Bool {
        for index in 0..<16 {
            let left = bits - index * 8
            guard left > 0 else { return true }
            let mask = left >= 8 ? UInt8.max : UInt8.max << UInt8(8 - left)
            guard first.bytes[index] & mask == address.bytes[index] & mask else { return false }
        }
        return true
    }
}
