import Foundation
import WireFormat

/// Keeps this node's lease and its record in etcd, and notices when etcd cannot be reached.
extension FleetMachine {
    mutating func keepLease() {
        let isAsked = isPending {
            switch $0 {
            case .grant, .keepAlive: true
            default: false
            }
        }
        guard !isAsked, now >= leaseAt else { return }
        if let lease {
            ask(.keepAlive(sent: now), .keepAlive(lease))
            leaseAt = now + Double(setup.lease) / 3
        } else {
            ask(.grant(sent: now), .grant(seconds: setup.lease))
        }
    }

    mutating func loseLease() {
        (lease, registered) = (nil, nil)
        leaseAt = now
    }

    /// Marks this node as cut off if etcd has not renewed its lease for three quarters of the lease's lifetime.
    ///
    /// The time is measured by this node's own clock, so the node knows it before the lease can have ended. Streams are
    /// stopped if the configuration says so.
    mutating func watchCutOff() {
        let limit = Double(setup.lease) * 0.75
        let isLate = now - (contact ?? began ?? now) > limit
        guard isLate != isCutOff else { return }
        isCutOff = isLate
        guard isLate else { return say("the fleet's engine is reached again: this node is cut off no more") }
        let does =
            setup.stopsWhenCutOff
            ? "its streams are stopped" : "it watches and journals on, and others may take its streams"
        say("cut off: the fleet's engine has not answered for \(limit) s; \(does)", isTrouble: true)
        guard setup.stopsWhenCutOff else { return }
        for stream in running.keys.sorted() { effects.append(.stop(stream)) }
        // After a reconnection, the streams that no other node has taken are claimed again.
        running = [:]
    }

    /// Checks that the fleet in etcd is the one that this node may join; creates the fleet if etcd has none.
    mutating func belong() {
        guard let meta = view.meta else {
            guard view.problems[setup.keys.meta] == nil else { return refuse(view.problems[setup.keys.meta]) }
            guard lease != nil, now >= registerAt, !isPending({ if case .found = $0 { true } else { false } }) else {
                return
            }
            if let identity = setup.identity, !setup.mayFound {
                return refuse(
                    "the engine holds no fleet: expected the identity \(identity); it was emptied, or is another one. "
                        + "To found it anew, set fleet.identity to a new one")
            }
            let meta = FleetMeta(identity: setup.newIdentity, schema: FleetMeta.schema, model: setup.model)
            guard let data = try? WireCoding.encode(meta) else { return }
            return ask(
                .found,
                .commit(EngineTransaction(if: [.absent(setup.keys.meta)], then: [.put(setup.keys.meta, data)])))
        }
        guard meta.schema == FleetMeta.schema else {
            return refuse("the fleet has schema \(meta.schema), this version knows \(FleetMeta.schema)")
        }
        if let identity = setup.identity, identity != meta.identity {
            return refuse(
                "wrong fleet identity: expected \(identity), found \(meta.identity.prefix(64)); the engine was "
                    + "restored or is another one. To join it, set fleet.identity: \(meta.identity.prefix(64))")
        }
        guard meta.model == setup.model else {
            return refuse("the fleet's model is \(meta.model.prefix(100)), this node has \(setup.model)")
        }
        if let other = view.nodes[setup.node], other.value.journal != record.journal {
            return refuse(
                "two nodes of one name: \"\(setup.node)\" is in the fleet already, on host "
                    + "\"\(other.value.host.prefix(64))\"; give this one another fleet.node")
        }
        refuse(nil)
        guard !hasJoined else { return }
        hasJoined = true
        effects.append(.joined(identity: meta.identity))
    }

    private mutating func refuse(_ sentence: String?) {
        guard sentence != refusal else { return }
        refusal = sentence
        if let sentence { say(sentence, isTrouble: true) } else { say("this node takes part again") }
    }

    mutating func register() {
        let isAsked = isPending { if case .register = $0 { true } else { false } }
        guard let lease, registered == nil, !isAsked, now >= registerAt else { return }
        guard let data = try? WireCoding.encode(stamped) else { return }
        let key = setup.keys.node(setup.node)
        let before = view.nodes[setup.node]
        // The record may be left from an earlier process of this node.
        let condition = before.map { TransactionCondition.modified(key, $0.modified) } ?? .absent(key)
        reported = record
        ask(
            .register(created: before?.created),
            .commit(EngineTransaction(if: [condition], then: [.put(key, data, lease: lease)])))
    }

    /// The node's record with the time of day.
    private var stamped: NodeRecord {
        var stamped = record
        stamped.clock = wallClock
        return stamped
    }

    /// Writes this node's record to etcd if it has changed, or is a minute old.
    ///
    /// A change of the streams' states is written at most once a second, any other at most every nine seconds.
    mutating func report() {
        guard let lease, let registered, now >= reportAt, record != reported || now >= reportAt + 60 else { return }
        guard !isPending({ if case .report = $0 { true } else { false } }) else { return }
        let isUrgent = record.playing != reported?.playing || record.troubled != reported?.troubled
        guard isUrgent || now >= reportAt + 8, let data = try? WireCoding.encode(stamped) else { return }
        reportAt = now + 1
        reported = record
        let key = setup.keys.node(setup.node)
        ask(
            .report,
            .commit(
                EngineTransaction(
                    if: [.created(key, registered.created)], then: [.put(key, data, lease: lease)])))
    }
}
