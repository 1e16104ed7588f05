extension NetworkAddress {
    /// Whether the address, in all its forms, is a public one of the Internet: neither special nor private.
    package var isPublic: Bool { isOrdinary && !faces.contains { face in Self.inner.contains { $0.contains(face) } } }

    /// Whether the address is a loopback address.
    package var isLoopback: Bool { faces.contains { face in Self.loopback.contains { $0.contains(face) } } }

    private static let loopback = ["127.0.0.0/8", "::1"].compactMap { AddressRange($0) }
    /// The private networks of RFC 1918, RFC 6598 and RFC 4193.
    private static let inner = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
        .compactMap { AddressRange($0) }
}

extension AddressRange {
    /// Whether an address is in the range, or carries an IPv4 address that is.
    package func reaches(_ address: NetworkAddress) -> Bool { address.faces.contains { contains($0) } }
}
