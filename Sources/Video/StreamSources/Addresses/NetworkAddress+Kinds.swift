extension NetworkAddress {
    /// True for a public Internet address; false for a private or special one, such as loopback or multicast.
    ///
    /// An IPv4 address embedded in an IPv6 address must be public too.
    package var isPublic: Bool { isOrdinary && !faces.contains { face in Self.inner.contains { $0.contains(face) } } }

    /// True for a loopback address, also for an IPv6 address that embeds an IPv4 loopback address.
    package var isLoopback: Bool { faces.contains { face in Self.loopback.contains { $0.contains(face) } } }

    private static let loopback = ["127.0.0.0/8", "::1"].compactMap { AddressRange($0) }
    /// The private networks (RFC 1918, RFC 6598 and RFC 4193).
    private static let inner = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
        .compactMap { AddressRange($0) }
}

extension AddressRange {
    /// Returns true if the address, or an IPv4 address embedded in it, is in this range.
    package func reaches(_ address: NetworkAddress) -> Bool { address.faces.contains { contains($0) } }
}
