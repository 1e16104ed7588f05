import Foundation
package import Logging
import Measures
import Synchronization
import WireFormat

/// Authenticates the clients of the daemon's ZeroMQ sockets: has the daemon's secret key and the list of clients.
package final class CurveGate: Sendable {
    let secret: CurveSecretKey
    private let clients: Mutex<ClientList>
    private let denials: DenialLog

    package init(secret: CurveSecretKey, clients: ClientList, logger: Logger) throws(CurveKeyError) {
        guard Curve.isAvailable else { throw Curve.unavailable }
        self.secret = secret
        self.clients = Mutex(clients)
        denials = DenialLog(logger)
    }

    /// Replaces the list of clients while the daemon runs.
    ///
    /// It applies to requests at once; a subscriber that is already connected stays until its connection ends.
    package func reload(_ list: ClientList) { clients.withLock { $0 = list } }

    /// The number of refused connections and requests, by reason.
    package var denied: [String: Int] { denials.counts }

    /// Returns the name of the client with this public key; nil, counting the refusal, if none in the list has it.
    ///
    /// Every listed client may connect and subscribe; its role is checked by each operation.
    func admit(_ key: CurvePublicKey?, from address: String) -> String? {
        let client = key.flatMap { key in clients.withLock { $0.client(key) } }
        if client == nil { deny(address, "unlisted key") }
        return client?.name
    }

    /// Returns the role that the list now gives to a connected client; nil, counting the refusal, if it is not listed.
    func role(_ name: String?, from address: String) -> Role? {
        if let name, let role = clients.withLock({ $0.role(name) }) { return role }
        deny(address, "\(name ?? "an unknown client") is no longer listed")
        return nil
    }

    /// Counts a refused client, and logs it unless the same was logged within the last minute.
    package func deny(_ address: String, _ reason: String) { denials.record(address, reason) }
}

/// Counts refused clients by reason, and logs each pair of address and reason at most once a minute.
final class DenialLog: Sendable {
    private struct Key: Hashable { let address, reason: String }
    private struct State {
        var counts: [String: Int] = [:]
        var complaints = LogRateLimiter<Key>(maxKinds: DenialLog.maxKinds)
    }

    /// The greatest number of pairs of address and reason that are logged separately; further ones share a log line.
    private static let maxKinds = 256
    private let state = Mutex(State())
    private let logger: Logger

    init(_ logger: Logger) { self.logger = logger }

    var counts: [String: Int] { state.withLock { $0.counts } }

    func record(_ address: String, _ reason: String, now: ContinuousClock.Instant = .now) {
        let told: (address: String, times: Int)? = state.withLock { state in
            // Reasons contain names of clients, which change over the years, so the number of counted reasons is
            // limited.
            let counted = state.counts[reason] != nil || state.counts.count < Self.maxKinds ? reason : "other"
            state.counts[counted, default: 0] += 1
            var key = Key(address: address, reason: reason)
            if !state.complaints.canTrack(key, at: now) { key = Key(address: "other addresses", reason: reason) }
            return state.complaints.take(key, at: now).map { (key.address, $0) }
        }
        guard let told else { return }
        logger.warning(
            "a client is turned away",
            metadata: ["address": "\(told.address)", "reason": "\(reason)", "times": "\(told.times)"])
    }
}
