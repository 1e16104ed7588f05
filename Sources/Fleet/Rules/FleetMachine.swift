package import Foundation
import WireFormat

/// Membership, planning and claims of one node: a state machine without clock, network or disk.
///
/// It is told the time, changes of the engine's keys and answers; it says what to ask and what to do. The node runs it
/// with etcd, the simulation with a double.
package struct FleetMachine: Sendable {
    package struct Setup: Sendable {
        package let keys: FleetKeys
        package let node: String
        /// Seconds.
        package let lease: Int
        /// Whether streams are stopped while the engine cannot be reached.
        package let stopsWhenCutOff: Bool
        package let model: String
        /// The fleet that this node belongs to; nil before it has joined one.
        package let identity: String?
        /// For a fleet that has none yet.
        package let newIdentity: String
        /// Whether it founds the fleet where the engine holds none; else an engine that was emptied is refused.
        package let mayFound: Bool

        package init(
            keys: FleetKeys, node: String, lease: Int, stopsWhenCutOff: Bool, model: String, identity: String?,
            newIdentity: String, mayFound: Bool
        ) {
            (self.keys, self.node, self.lease, self.stopsWhenCutOff) = (keys, node, lease, stopsWhenCutOff)
            (self.model, self.identity, self.newIdentity) = (model, identity, newIdentity)
            self.mayFound = mayFound
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
        /// Asks the engine, and brings the answer under this number; of a claim, notes first where its epoch begins.
        case ask(Int, Call, claim: Claim?)
        /// Runs a stream, or runs it as it is described now.
        case start(String, Data)
        case stop(String)
        /// This node belongs to a fleet now.
        case joined(identity: String)
        case say(String, isTrouble: Bool)
    }

    package struct Claim: Sendable, Equatable {
        package let stream: String
        package let epoch: Int64
    }

    /// A stream that this node runs.
    package struct Running: Sendable, Equatable {
        package enum Phase: Sendable, Equatable {
            case playing
            /// It is being stopped, to be handed over.
            case stopping
            /// Its last messages are on their way into the log.
            case flushing(through: Int64, until: Double)
            case releasing
        }
        package let epoch: Int64
        /// Revision of the claim.
        package let claimed: Int64
        /// Revision of the description that it runs with.
        package var described: Int64
        package var phase = Phase.playing
    }

    enum Purpose: Sendable {
        case grant(sent: Double), keepAlive(sent: Double)
        case found, register(created: Int64?), report, planner, plan
        case claim(Claim), release(String)
        /// The node owns this stream and does not run it.
        case orphan(String)
    }

    package let setup: Setup
    package var view: FleetView
    package internal(set) var running: [String: Running] = [:]
    /// As the others are to see it.
    package var record: NodeRecord
    /// The newest number of the journal that is in the fleet's log.
    package var forwarded: Int64 = 0
    package internal(set) var isCutOff = false
    /// Why this node takes no part, for people.
    package internal(set) var refusal: String?
    /// Why the engine does not do what it is asked for; nil once it does.
    package internal(set) var trouble: String?

    var effects: [Effect] = []
    var pending: [Int: Purpose] = [:]
    var asked = 0
    var began: Double?
    var now = 0.0
    var lease: Int64?
    /// When the newest acknowledged request about the lease was sent.
    var contact: Double?
    var leaseAt = 0.0
    /// Revision at which this process's `node/<n>` came to be, and that of its newest value.
    var registered: (created: Int64, modified: Int64)?
    var reported: NodeRecord?
    var (registerAt, reportAt, plannerAt, planAt) = (0.0, 0.0, 0.0, 0.0)
    var goneSince: [String: Double] = [:]
    var claimAt: [String: Double] = [:]
    var hasJoined = false

    /// Seconds that a node must be away before its streams are taken: after a spurious revocation it is back by then.
    static let patience = 0.5
    /// Seconds that a stream waits for its last messages to be in the log.
    static let flush = 5.0
    static let mostClaims = 16

    package init(_ setup: Setup, record: NodeRecord) {
        self.setup = setup
        self.record = record
        view = FleetView(setup.keys)
    }

    /// Takes what there is to do.
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

    // MARK: What comes

    /// Time passes, on this node's own clock, in seconds.
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

    /// Everything that there is in the engine, at a revision.
    package mutating func reset(_ values: [StoredValue], revision: Int64) {
        view.reset(values)
        if let registered, revision > registered.modified { checkRegistration() }
    }

    package mutating func take(_ changes: [KeyChange]) {
        view.apply(changes)
        let own = setup.keys.node(setup.node)
        for change in changes where change.key == own {
            if let registered, change.revision > registered.modified { checkRegistration() }
        }
    }

    /// Another process may have this node's name, or its lease may be over.
    private mutating func checkRegistration() {
        let found = view.nodes[setup.node]
        if let found, found.value.journal == record.journal, found.lease == lease {
            registered = (found.created, found.modified)
        } else {
            registered = nil
        }
    }

    /// A stream has been stopped; `newest`: the last number of the journal then.
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

    /// Whether success of this shows that the engine works: one without space keeps leases alive.
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
            // Done or not: asked again, and then it shows.
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

    /// A claim has been done: the stream is this node's.
    mutating func own(_ claim: Claim, at revision: Int64) {
        guard running[claim.stream] == nil, let stream = view.streams[claim.stream] else { return }
        running[claim.stream] = Running(epoch: claim.epoch, claimed: revision, described: stream.modified)
        effects.append(.start(claim.stream, stream.value))
    }
}
