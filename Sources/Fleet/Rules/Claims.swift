import Foundation

/// Plans which node runs which stream, and claims and releases streams for this node.
extension FleetMachine {
    /// Records since when nodes are absent that should run or do run a stream.
    mutating func noteGone() {
        var named = Set(view.own.values.map(\.value.node))
        named.formUnion(view.want.values.map(\.value))
        for name in named where view.nodes[name] == nil && goneSince[name] == nil { goneSince[name] = now }
        goneSince = goneSince.filter { named.contains($0.key) && view.nodes[$0.key] == nil }
    }

    func isGone(_ node: String) -> Bool {
        view.nodes[node] == nil && (goneSince[node].map { now - $0 >= Self.patience } ?? false)
    }

    /// Writes due changes of the plan (which node runs which stream) to etcd if this node is the planner.
    ///
    /// If no node is the planner, this node tries to become it. The planner is named by a key that goes with its lease.
    mutating func plan() {
        let isAsked = isPending {
            switch $0 {
            case .planner, .plan: true
            default: false
            }
        }
        guard !isAsked, let lease else { return }
        guard let planner = view.planner else {
            guard now >= plannerAt else { return }
            let key = setup.keys.planner
            planAt = now + Self.patience
            return ask(
                .planner,
                .commit(
                    EngineTransaction(if: [.absent(key)], then: [.put(key, Data(setup.node.utf8), lease: lease)])))
        }
        guard planner.value == setup.node, planner.lease == lease, now >= planAt else { return }
        let changes = Placement.changes(view) { isGone($0) }
        planAt = now + 0.2
        guard !changes.isEmpty else { return balance(planner) }
        let steps = changes.map { change -> TransactionStep in
            let key = setup.keys.want(change.stream)
            return change.node.map { .put(key, Data($0.utf8)) } ?? .delete(key)
        }
        ask(
            .plan,
            .commit(EngineTransaction(if: [.created(setup.keys.planner, planner.created)], then: steps)))
    }

    /// Asks etcd to make this node the owner of the streams that are planned for it and that no node runs.
    mutating func claim() {
        var claiming: Set<String> = []
        for purpose in pending.values {
            switch purpose {
            case .claim(let claim): claiming.insert(claim.stream)
            case .orphan(let stream): claiming.insert(stream)
            default: break
            }
        }
        for stream in view.want.keys.sorted() where view.want[stream]?.value == setup.node && running[stream] == nil {
            guard claiming.count < Self.mostClaims else { return }
            guard !claiming.contains(stream), now >= claimAt[stream] ?? 0, view.streams[stream] != nil else { continue }
            guard let (claim, transaction) = claim(of: stream) else { continue }
            claiming.insert(stream)
            ask(.claim(claim), .commit(transaction), claim: claim)
        }
    }

    /// Returns a claim to own a stream and its transaction in etcd; nil if it cannot be claimed now.
    ///
    /// That is so while another node owns the stream and is not gone, or while the owner's name cannot be read.
    private func claim(of stream: String) -> (Claim, EngineTransaction)? {
        guard let registered, !view.isOwnerUnreadable(stream) else { return nil }
        let keys = setup.keys
        var conditions: [TransactionCondition] = [
            .created(keys.node(setup.node), registered.created), .value(keys.want(stream), Data(setup.node.utf8)),
        ]
        let own = view.own[stream]
        if let own {
            conditions.append(.modified(keys.own(stream), own.modified))
            let owner = own.value.node
            if !owner.isEmpty, owner != setup.node {
                guard isGone(owner) else { return nil }
                conditions.append(.absent(keys.node(owner)))
            }
        } else {
            conditions.append(.absent(keys.own(stream)))
        }
        let claim = Claim(stream: stream, epoch: (own?.value.epoch ?? 0) + 1)
        let value = Ownership(setup.node, epoch: claim.epoch).data
        return (claim, EngineTransaction(if: conditions, then: [.put(keys.own(stream), value)]))
    }

    /// Releases streams that this node owns in etcd but does not run, if they are removed or planned for another node.
    ///
    /// An earlier process of this node may have owned them.
    mutating func releaseOrphans() {
        for stream in view.own.keys.sorted() {
            guard let own = view.own[stream], own.value.node == setup.node, running[stream] == nil,
                isElsewhere(stream), now >= claimAt[stream] ?? 0, !isAskedFor(stream)
            else { continue }
            claimAt[stream] = now + 0.3
            // The daemon may play the stream, since it restarts the streams of an earlier process.
            effects.append(.stop(stream))
            let key = setup.keys.own(stream)
            ask(
                .orphan(stream),
                .commit(
                    EngineTransaction(
                        if: [.modified(key, own.modified)],
                        then: [.put(key, Ownership("", epoch: own.value.epoch).data)])))
        }
    }

    private func isAskedFor(_ stream: String) -> Bool {
        isPending { purpose in
            switch purpose {
            case .claim(let claim): claim.stream == stream
            case .orphan(let other), .release(let other): other == stream
            default: false
            }
        }
    }

    /// Stops the streams that this node runs but no longer owns according to etcd.
    mutating func dropLost() {
        for stream in running.keys.sorted() {
            guard let one = running[stream], let own = view.own[stream], own.modified > one.claimed else { continue }
            guard own.value != Ownership(setup.node, epoch: one.epoch) else { continue }
            running[stream] = nil
            guard one.phase == .playing else { continue }
            effects.append(.stop(stream))
            if !own.value.node.isEmpty {
                say("stream \"\(stream)\" has been taken by \(own.value.node) (epoch \(own.value.epoch))")
            }
        }
    }

    /// Gives up the streams that are removed or planned for another node.
    ///
    /// Such a stream is stopped, then its messages are copied to the fleet's log, then it is released in etcd.
    mutating func handOver() {
        guard refusal == nil else { return }
        for stream in running.keys.sorted() {
            guard let one = running[stream] else { continue }
            switch one.phase {
            case .playing:
                guard !isCutOff, isElsewhere(stream) else { continue }
                running[stream]?.phase = .stopping
                effects.append(.stop(stream))
            case .flushing(let through, let until):
                guard forwarded >= through || now >= until, !isCutOff else { continue }
                running[stream]?.phase = .releasing
                let key = setup.keys.own(stream)
                let mine = Ownership(setup.node, epoch: one.epoch).data
                ask(
                    .release(stream),
                    .commit(
                        EngineTransaction(
                            if: [.value(key, mine)], then: [.put(key, Ownership("", epoch: one.epoch).data)])))
            case .stopping, .releasing: continue
            }
        }
    }

    private func isElsewhere(_ stream: String) -> Bool {
        // A stream whose description cannot be read keeps running.
        guard view.streams[stream] != nil else { return view.isRemoved(stream) }
        guard let want = view.want[stream]?.value, want != setup.node else { return false }
        return view.nodes[want] != nil
    }

    /// Applies changed descriptions to the streams that this node runs.
    mutating func follow() {
        for stream in running.keys.sorted() {
            guard let one = running[stream], one.phase == .playing, let described = view.streams[stream],
                described.modified != one.described
            else { continue }
            running[stream]?.described = described.modified
            effects.append(.start(stream, described.value))
        }
    }
}
