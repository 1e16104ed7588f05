package import Foundation
package import WatchwordConfiguration
import WireFormat

/// The rules by which one node joins a fleet, plans and claims streams: a state machine without clock, network or disk.
///
/// Its inputs are the time, changes of keys in etcd, and answers to requests. Its outputs are `Effect` values, which
/// the caller carries out. `FleetNode` runs it with etcd; tests run it in a simulation.
package struct FleetMachine: Sendable {
    package struct Setup: Sendable {
        package let keys: FleetKeys
        package let node: String
        /// The seconds after which the node's lease in etcd expires without a keep-alive.
        package let lease: Int
        /// True if this node stops its streams while it cannot reach etcd; otherwise they keep running.
        package let stopsWhenCutOff: Bool
        package let model: String
        /// The identity of the fleet that this node may join; nil if it has joined none and none is configured.
        package let identity: String?
        /// The identity for a new fleet, used if this node creates it.
        package let newIdentity: String
        /// True if this node may create the fleet when etcd holds none.
        ///
        /// If false, the node refuses an etcd without a fleet, since it was emptied or is the wrong one.
        package let mayFound: Bool
        /// The limits by which this node, as the planner, moves streams to even out the load; nil if it moves none.
        package let rebalance: FleetConfiguration.Rebalance?

        package init(
            keys: FleetKeys, node: String, lease: Int, stopsWhenCutOff: Bool, model: String, identity: String?,
            newIdentity: String, mayFound: Bool, rebalance: FleetConfiguration.Rebalance? = nil
        ) {
            (self.keys, self.node, self.lease, self.stopsWhenCutOff) = (keys, node, lease, stopsWhenCutOff)
            (self.model, self.identity, self.newIdentity) = (model, identity, newIdentity)
            (self.mayFound, self.rebalance) = (mayFound, rebalance)
        }
    }

    package enum Call: Sendable, Equatable {
        case grant(seconds: Int)
        case keepAlive(Int64)
        case commit(EngineTransaction)
    }

    package enum Answer: Sendable {
        case lease(Int64)
        case lives(seconds: Int)
        case committed(TransactionAnswer)
        case failed(EngineError)
    }

    package enum Effect: Sendable, Equatable {
        /// Sends a request to etcd; the answer must be passed back to the machine with this number.
        ///
        /// Before a claim is sent, its epoch and the newest number of the node's journal must be saved.
        case ask(Int, Call, claim: Claim?)
        /// Starts the named stream with a description (JSON), or applies the description if the stream runs already.
        case start(String, Data)
        case stop(String)
        /// Reports that this node has joined the fleet with this identity.
        case joined(identity: String)
        case say(String, isTrouble: Bool)
    }

    package struct Claim: Sendable, Equatable {
        package let stream: String
        package let epoch: Int64
    }

    /// A stream that this node has claimed in etcd and not released yet; only one node may run a stream.
    package struct Running: Sendable, Equatable {
        package enum Phase: Sendable, Equatable {
            case playing
            /// The stream is being stopped, since it was removed or is to run on another node.
            case stopping
            /// The stream has stopped, and its journal messages up to `through` are being copied to the fleet's log.
            ///
            /// At the time `until`, in seconds, the stream is released even if the copy is not complete.
            case flushing(through: Int64, until: Double)
            case releasing
        }
        package let epoch: Int64
        /// The revision of etcd at which this node claimed the stream.
        package let claimed: Int64
        /// The revision in etcd of the description with which the stream runs.
        package var described: Int64
        package var phase = Phase.playing
    }

    enum Purpose: Sendable {
        case grant(sent: Double), keepAlive(sent: Double)
        case found, register(created: Int64?), report, planner, plan
        case claim(Claim), release(String)
        /// A release of a stream that etcd names as this node's, but that this node does not run.
        case orphan(String)
    }

    package let setup: Setup
    package var view: FleetView
    package internal(set) var running: [String: Running] = [:]
    /// This node's record in etcd, which the other nodes read; the caller keeps it up to date.
    package var record: NodeRecord
    /// The time of day, in seconds since 1970, for the record, on which no rule depends; the caller keeps it up to date.
    package var wallClock: Double?
    /// The newest number of this node's journal that is in the fleet's log.
    package var forwarded: Int64 = 0
    package internal(set) var isCutOff = false
    /// The reason why this node takes no part in the fleet, as a sentence for people; nil if there is none.
    package internal(set) var refusal: String?
    /// The error of the last failed request to etcd; nil after a later request has succeeded.
    package internal(set) var trouble: String?

    var effects: [Effect] = []
    var pending: [Int: Purpose] = [:]
    var asked = 0
    var began: Double?
    var now = 0.0
    var lease: Int64?
    /// The time at which the newest lease request that etcd has acknowledged was sent, in seconds; nil at first.
    var contact: Double?
    var leaseAt = 0.0
    /// The revisions in etcd of this process's node record: its creation and its newest value; nil if not registered.
    var registered: (created: Int64, modified: Int64)?
    var reported: NodeRecord?
    var (registerAt, reportAt, plannerAt, planAt) = (0.0, 0.0, 0.0, 0.0)
    var goneSince: [String: Double] = [:]
    var claimAt: [String: Double] = [:]
    var hasJoined = false
    /// The time since when the load of the nodes is uneven, in seconds; nil while it is even.
    var unevenSince: Double?
    /// The time from which the next stream may be moved to even out the load.
    var balanceAt = 0.0
    /// The times at which streams were moved between live nodes, by stream, for as long as they rest.
    var movedAt: [String: Double] = [:]

    /// The seconds that a node must be absent before its streams are taken, so that a briefly lost lease moves nothing.
    static let patience = 0.5
    /// The longest time that a stopped stream waits until its messages are in the fleet's log, in seconds.
    static let flush = 5.0
    static let mostClaims = 16

    package init(_ setup: Setup, record: NodeRecord) {
        self.setup = setup
        self.record = record
        view = FleetView(setup.keys)
    }

    /// Returns the effects to carry out since the last call, and forgets them.
    package mutating func takeEffects() -> [Effect] {
        defer { effects = [] }
        return effects
    }

    package var isMember: Bool { registered != nil && !isCutOff && refusal == nil }

    mutating func ask(_ purpose: Purpose, _ call: Call, claim: Claim? = nil) {
        asked += 1
        pending[asked] = purpose
        effects.append(.ask(asked, call, claim: claim))
    }

    func isPending(_ matches: (Purpose) -> Bool) -> Bool { pending.values.contains(where: matches) }

    mutating func say(_ sentence: String, isTrouble: Bool = false) {
        effects.append(.say(sentence, isTrouble: isTrouble))
    }

    // MARK: Inputs

    /// Sets the time to `time`, in seconds of this node's own clock, and adds the requests and effects that are due.
    package mutating func tick(_ time: Double) {
        now = time
        if began == nil { began = time }
        keepLease()
        watchCutOff()
        guard view.isComplete else { return }
        belong()
        noteGone()
        dropLost()
        handOver()
        guard refusal == nil, !isCutOff else { return }
        register()
        guard registered != nil else { return }
        report()
        plan()
        claim()
        releaseOrphans()
        follow()
    }

    /// Replaces the view of the fleet by `values`, all its keys in etcd as of `revision`.
    package mutating func reset(_ values: [StoredValue], revision: Int64) {
        let before = view.want
        view.reset(values)
        noteMoves(since: before)
        if let registered, revision > registered.modified { checkRegistration() }
    }

    package mutating func take(_ changes: [KeyChange]) {
        let before = changes.contains { setup.keys.parts($0.key)?.kind == "want" } ? view.want : [:]
        view.apply(changes)
        if !before.isEmpty { noteMoves(since: before) }
        let own = setup.keys.node(setup.node)
        for change in changes where change.key == own {
            if let registered, change.revision > registered.modified { checkRegistration() }
        }
    }

    /// Marks this node as unregistered if its record in etcd is gone or belongs to another process or lease.
    private mutating func checkRegistration() {
        let found = view.nodes[setup.node]
        if let found, found.value.journal == record.journal, found.lease == lease {
            registered = (found.created, found.modified)
        } else {
            registered = nil
        }
    }

    /// Records that a stream has been stopped; `newest` is the journal's newest number at that moment.
    package mutating func stopped(_ stream: String, newest: Int64) {
        guard running[stream]?.phase == .stopping else { return }
        running[stream]?.phase = .flushing(through: newest, until: now + Self.flush)
    }

    package mutating func take(_ answer: Answer, of number: Int) {
        guard let purpose = pending.removeValue(forKey: number) else { return }
        if case .failed(let error) = answer {
            if trouble == nil { say("the fleet's engine: \(error.description)", isTrouble: true) }
            trouble = error.description
            return failed(purpose, error)
        }
        if trouble != nil, Self.clears(purpose) {
            trouble = nil
            say("the fleet's engine answers again")
        }
        switch (purpose, answer) {
        case (.grant(let sent), .lease(let number)):
            (lease, contact, registered) = (number, sent, nil)
            leaseAt = now + Double(setup.lease) / 3
        case (.keepAlive(let sent), .lives(let seconds)):
            guard seconds > 0 else { return loseLease() }
            contact = sent
        case (_, .committed(let answer)): committed(purpose, answer)
        default: break
        }
    }

    /// Returns true if the success of a request shows that etcd works again.
    ///
    /// A keep-alive shows nothing, since it succeeds even when etcd has no space.
    private static func clears(_ purpose: Purpose) -> Bool {
        switch purpose {
        case .keepAlive: false
        default: true
        }
    }

    private mutating func failed(_ purpose: Purpose, _ error: EngineError) {
        switch purpose {
        case .grant: leaseAt = now + 0.3
        case .keepAlive:
            leaseAt = now + 0.1
            if error.kind == .leaseGone { loseLease() }
        case .found, .register:
            registerAt = now + 0.3
            if error.kind == .leaseGone { loseLease() }
        case .report: (reported, reportAt) = (nil, now + 1)
        case .planner: plannerAt = now + 1
        case .plan: planAt = now + 0.5
        case .claim(let claim): claimAt[claim.stream] = now + 0.3
        case .orphan(let stream): claimAt[stream] = now + 0.3
        case .release(let stream):
            // The release may have been done. It is requested again, and that answer settles it.
            running[stream]?.phase = .flushing(through: 0, until: now)
        }
    }

    private mutating func committed(_ purpose: Purpose, _ answer: TransactionAnswer) {
        switch purpose {
        case .register(let created):
            registerAt = now + 0.2
            guard answer.succeeded else { return }
            registered = (created ?? answer.revision, answer.revision)
        case .report:
            guard answer.succeeded else { return }
            registered?.modified = answer.revision
        case .plan: planAt = now + 0.1
        case .planner: plannerAt = now + 0.5
        case .claim(let claim):
            claimAt[claim.stream] = now + 0.2
            guard answer.succeeded else { return }
            own(claim, at: answer.revision)
        case .release(let stream): running[stream] = nil
        default: break
        }
    }

    /// Starts a stream after etcd has accepted this node's claim to it.
    mutating func own(_ claim: Claim, at revision: Int64) {
        guard running[claim.stream] == nil, let stream = view.streams[claim.stream] else { return }
        running[claim.stream] = Running(epoch: claim.epoch, claimed: revision, described: stream.modified)
        effects.append(.start(claim.stream, stream.value))
    }
}
