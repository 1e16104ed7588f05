package import StreamSources

/// The addresses that a notifier may connect to.
package struct ReachRule: Sendable, Equatable {
    /// The private and loopback addresses that the configuration allows.
    let named: [AddressRange]

    private let source: NotifierSource

    package init(_ named: [AddressRange], of source: NotifierSource = .file) {
        (self.named, self.source) = (named, source)
    }

    init(_ settings: NotifierSettings) { self.init(settings.addresses, of: settings.source) }

    /// Whether an address is allowed: public, or private and listed; never link-local, metadata or multicast.
    package func allows(_ address: NetworkAddress) -> Bool {
        if address.isPublic { return true }
        guard address.isOrdinary || address.isLoopback else { return false }
        return named.contains { $0.reaches(address) }
    }

    /// The addresses to try in order, or the reason why there is none.
    package func choose(_ found: [NetworkAddress], of host: String) -> Result<[NetworkAddress], NotifyError> {
        let allowed = found.filter(allows)
        if !allowed.isEmpty { return .success(allowed) }
        guard let refused = found.first else { return .failure(NotifyError("the name \(host) has no address")) }
        let isNameable = refused.isOrdinary || refused.isLoopback
        // A client learns no address that a name has inside.
        let isHidden = source == .socket && NetworkAddress(host) == nil
        let what = refused.text == host || isHidden ? host : "\(host) (\(refused.text))"
        let shown = isHidden ? "ADDRESS" : refused.text
        let place =
            switch source {
            case .file: "the notifier's addresses: [\(shown)]"
            case .socket: "the configuration, receivers: {addresses: [\(shown)]}"
            }
        return .failure(
            NotifyError(
                isNameable
                    ? "\(what) is in a private network; name it in \(place)"
                    : "\(what) is a link-local, metadata or multicast address, which is never connected to"))
    }
}
