package import StreamSources

/// Which addresses a notifier may connect to.
package struct ReachRule: Sendable, Equatable {
    /// Private and loopback addresses that the configuration names.
    let named: [AddressRange]

    package init(_ named: [AddressRange]) { self.named = named }

    /// Public addresses, and private ones that are named; link-local, metadata and multicast addresses never.
    package func allows(_ address: NetworkAddress) -> Bool {
        if address.isPublic { return true }
        guard address.isOrdinary || address.isLoopback else { return false }
        return named.contains { $0.reaches(address) }
    }

    /// The addresses to connect to, one after the other, or why there is none.
    package func choose(_ found: [NetworkAddress], of host: String) -> Result<[NetworkAddress], NotifyError> {
        let allowed = found.filter(allows)
        if !allowed.isEmpty { return .success(allowed) }
        guard let refused = found.first else { return .failure(NotifyError("the name \(host) has no address")) }
        let isNameable = refused.isOrdinary || refused.isLoopback
        let what = refused.text == host ? host : "\(host) (\(refused.text))"
        return .failure(
            NotifyError(
                isNameable
                    ? "\(what) is in a private network; name it in the notifier's addresses: [\(refused.text)]"
                    : "\(what) is a link-local, metadata or multicast address, which is never connected to"))
    }
}
