import Concurrency
package import Foundation
package import Journal
package import Logging
package import Messaging
import Service
import Synchronization
import WireFormat

/// Sends all messages: the journal numbers and commits each, then it is published.
///
/// It runs on its own executor, since a commit waits for the disk; messages sent during a commit are committed together
/// by the next. If the journal cannot be written (a full or read-only disk), messages are published nevertheless, with
/// continuing numbers, and kept in the backlog until it can.
package actor Outbox {
    private let executor = QueueExecutor(label: "watchword.outbox")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let journal: Journal
    private let archive: Archive
    /// Reads the journal for notifiers, without delaying anything else.
    private let following: Archive
    private let publisher: Publisher?
    private let logger: Logger
    private let waiting = Mutex<[PendingMessage]>([])
    private(set) package var published = 0
    /// The number of messages that could not be encoded, and have no number.
    private(set) package var unwritable = 0
    /// The published messages, for followers in this process.
    package nonisolated let feed: EventFeed

    private var backlog: Backlog
    private var lost = 0
    private var removals = RetentionLog()
    private var problem: JournalError?
    private var nextTry = ContinuousClock.now
    /// The pause after a failed commit before the next attempt.
    private static let pause = Duration.milliseconds(250)
    /// The number of messages of the backlog that are stored in one transaction.
    private static let chunk = 500

    /// Makes an outbox; `backlog` is the greatest number of messages kept while the journal cannot be written.
    package init(journal: Journal, publisher: Publisher?, logger: Logger, backlog limit: Int? = nil) {
        self.journal = journal
        self.publisher = publisher
        self.logger = logger
        archive = Archive(journal, "watchword.archive")
        following = Archive(journal, "watchword.following")
        feed = EventFeed(after: journal.lastSeq)
        backlog = Backlog(limit: limit.map { Backlog.Limit(messages: $0) } ?? .init())
        if let damage = journal.damage { logger.error("the journal was damaged", metadata: ["problem": "\(damage)"]) }
        for note in journal.notes { logger.warning("the journal was put right", metadata: ["problem": "\(note)"]) }
    }

    // MARK: Sending

    /// Sends messages, in order; returns when they are published.
    package nonisolated func send(_ messages: [PendingMessage]) async {
        guard !messages.isEmpty else { return }
        waiting.withLock { $0 += messages }
        await flush()
    }

    private func flush() {
        let messages = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        // Another send's flush took them: they are out.
        guard !messages.isEmpty else { return }
        let (entries, refused) = journal.number(messages)
        for error in refused {
            logger.error("a message cannot be written and is left out", metadata: ["error": "\(error)"])
        }
        unwritable += refused.count
        store(entries)
        for entry in entries { publisher?.publish(topic: entry.topic, seq: entry.seq, body: entry.body) }
        feed.add(entries)
        published += entries.count
    }

    private func store(_ entries: [Entry]) {
        if backlog.isEmpty {
            do {
                return try journal.commit(entries)
            } catch {
                failed(error)
            }
        }
        lost += backlog.add(entries)
        drain()
        // Published numbers are not given again, even if the process ends before they are stored.
        if !backlog.isEmpty { journal.note(published: journal.lastSeq) }
    }

    private func failed(_ error: JournalError) {
        nextTry = .now + Self.pause
        // Said once; `status` has the newest reason.
        if problem == nil {
            logger.error("events are published but not journaled", metadata: ["error": "\(error)"])
        }
        problem = error
    }

    /// Stores the backlog, the oldest messages first.
    private func drain() {
        guard !backlog.isEmpty, ContinuousClock.now >= nextTry else { return }
        while !backlog.isEmpty {
            let chunk = Array(backlog.entries.prefix(Self.chunk))
            do {
                try journal.commit(chunk, after: backlog.hole, ended: backlog.ended)
            } catch {
                return failed(error)
            }
            backlog.stored(chunk.count)
        }
        problem = nil
        logger.notice("events are journaled again", metadata: ["lost": "\(lost)"])
    }

    /// Ends the events that a crash left open, before anything else is sent.
    ///
    /// `clips`: the files of an event's clip, none if it has none.
    package func endInterrupted(clips: @Sendable (String) -> [String] = { _ in [] }) {
        let open: [Entry]
        do { open = try journal.openEvents() } catch {
            return logger.error("open events cannot be read", metadata: ["error": "\(error)"])
        }
        let ends = open.compactMap { entry -> PendingMessage? in
            guard let event = entry.event, case .object(var body)? = try? WireCoding.decode(JSONValue.self, entry.body)
            else { return nil }
            body["phase"] = .string("end")
            body["reason"] = .string("interrupted")
            let files = clips(event.id).map { JSONValue.string($0) }
            body["clip"] = files.first
            if files.count > 1 { body["clips"] = .array(files) }
            let fields = body
            return PendingMessage(
                topic: entry.topic, query: entry.query, stream: entry.stream,
                event: EventMark(id: event.id, phase: .end, snapshot: event.snapshot)
            ) { seq, prev in
                var fields = fields
                fields["seq"] = .integer(seq)
                fields["prev"] = prev.map { .integer($0) }
                return try WireCoding.encode(JSONValue.object(fields))
            }
        }
        guard !ends.isEmpty else { return }
        logger.warning("events were interrupted and have been ended", metadata: ["count": "\(ends.count)"])
        waiting.withLock { $0 = ends + $0 }
        flush()
    }

    // MARK: Time

    /// Sends heartbeats, retries to store the backlog, and applies retention, until the task is cancelled.
    ///
    /// `clock` is the wall clock, which may be wrong.
    package func run(
        heartbeat: Duration = .seconds(10), retention: Retention = .standard,
        clock: @Sendable () -> Date = { Date() }
    ) async {
        var nextBeat = ContinuousClock.now
        var nextRetirement = ContinuousClock.now + .seconds(1)
        while !Task.isCancelled {
            let now = ContinuousClock.now
            drain()
            if now >= nextBeat {
                beat()
                nextBeat = now + heartbeat
            }
            if now >= nextRetirement, backlog.isEmpty {
                nextRetirement = now + (retire(retention, clock()) ? .milliseconds(20) : .seconds(60))
            }
            try? await Task.sleep(for: min(.seconds(1), heartbeat, max(.zero, nextRetirement - .now)))
        }
    }

    /// Sends a heartbeat with the newest number, so that a subscriber that lost the last messages notices.
    private func beat() {
        let seq = journal.lastSeq
        let message = HeartbeatMessage(seq: seq, journal: journal.identity, journaled: problem == nil, at: Date())
        guard let body = try? WireCoding.encode(message) else { return }
        publisher?.publish(topic: Topic.heartbeat, seq: seq, body: body)
    }

    /// Runs a step of retention; returns true if there is more to remove.
    private func retire(_ retention: Retention, _ now: Date) -> Bool {
        do {
            let retired = try journal.prune(retention, now: now)
            if !retired.isMore { journal.checkpoint() }
            removals.say(retired, logger)
            return retired.isMore
        } catch {
            logger.error("retention", metadata: ["error": "\(error)"])
            return false
        }
    }

    // MARK: Reading

    /// Returns messages after `since`, oldest first, at most `limit`, and the holes among them.
    ///
    /// They include published messages that are not stored yet. Reading does not delay sending.
    package nonisolated func replay(since: Int64, limit: Int, filter: MessageFilter) async throws -> ReplayPage {
        try await replay(since: since, limit: limit, filter: filter, by: archive)
    }

    private nonisolated func replay(
        since: Int64, limit: Int, filter: MessageFilter, by archive: Archive
    ) async throws -> ReplayPage {
        // Those that are not stored yet come first: one that is stored meanwhile is then found twice, not missed.
        let (behind, hole) = await pending(since: since)
        var page = try await archive.replay(since: since, limit: limit, filter: filter)
        guard page.entries.count < limit else { return page }
        let stored = max(page.entries.last?.seq ?? 0, page.holes.last?.last ?? 0)
        if var hole, hole.last > stored {
            hole.first = max(hole.first, since + 1, stored + 1)
            page.holes.append(hole)
        }
        page.entries += behind.lazy.filter { $0.seq > stored && filter.passes($0) }.prefix(limit - page.entries.count)
        return page
    }

    private func pending(since: Int64) -> (entries: [Entry], hole: Hole?) {
        (backlog.entries.filter { $0.seq > since }, backlog.hole.flatMap { $0.last > since ? $0 : nil })
    }

    /// Returns the newest number, and the newest message of each event that is open at that moment.
    package func openEvents() throws -> (seq: Int64, entries: [Entry]) {
        var open = try journal.openEvents().filter { !backlog.ended.contains($0.event?.id ?? "") }
        for entry in backlog.entries {
            guard let event = entry.event else { continue }
            let known = open.firstIndex { $0.event?.id == event.id }
            switch (known, event.phase) {
            case (let index?, .end): open.remove(at: index)
            case (let index?, _): open[index] = entry
            case (nil, .end): continue
            case (nil, _): open.append(entry)
            }
        }
        return (journal.lastSeq, open)
    }

    /// The newest message of an event; nil if there is no event of that name.
    package nonisolated func newest(ofEvent name: String) async throws -> Entry? {
        if let behind = await pending(since: 0).entries.last(where: { $0.event?.id == name }) { return behind }
        return try await archive.newest(ofEvent: name)
    }

    /// The journal's state.
    package func status() -> JournalStatus {
        JournalStatus(
            journaled: problem == nil, backlog: backlog.entries.count, lost: lost, problem: problem?.description,
            damage: journal.damage, identity: journal.identity, notes: journal.notes.isEmpty ? nil : journal.notes)
    }

    package nonisolated var lastSeq: Int64 { journal.lastSeq }
    /// The identity of the journal: the same number under another identity is another message.
    package nonisolated var identity: String { journal.identity }
    /// The journals that this one continues, oldest first, with the last shared number.
    package nonisolated var branches: [JournalBranch] { journal.branches }

    // MARK: What is kept besides messages; here, because these wait for the disk too

    package func save(_ kind: Journal.Kind, id: String, json: Data) throws {
        try journal.save(kind, id: id, json: json)
    }
    package func save(_ kind: Journal.Kind, _ values: [(id: String, json: Data)]) throws {
        try journal.save(kind, values)
    }
    package func forget(_ kind: Journal.Kind, id: String) throws { try journal.remove(kind, id: id) }
    package func forget(_ kind: Journal.Kind, _ ids: [String]) throws { try journal.remove(kind, ids) }
    package func release(_ kind: Journal.Kind, id: String) throws { try journal.release(kind, id: id) }
    package func saved(_ kind: Journal.Kind, id: String) throws -> Data? { try journal.saved(kind, id: id) }
    package func saved(_ kind: Journal.Kind) throws -> [(id: String, json: Data)] { try journal.saved(kind) }

    /// Stores a verdict on an event, and sends it; nil withdraws the verdict.
    ///
    /// Returns the event's query and stream, and the query's verdicts so far; nil if there is no such event.
    package func mark(_ event: String, _ verdict: Verdict?) async throws -> (
        query: String, stream: String, counts: VerdictCounts
    )? {
        guard let owner = try journal.owner(ofEvent: event) else { return nil }
        try journal.save(verdict, event: event, query: owner.query, stream: owner.stream)
        let counts = try journal.verdicts()[owner.query] ?? VerdictCounts()
        let at = Date()
        let topic = Topic.verdict(stream: owner.stream, query: owner.query)
        await send([
            PendingMessage(topic: topic, query: owner.query, stream: owner.stream) { seq, prev in
                try WireCoding.encode(
                    VerdictMessage(
                        seq: seq, prev: prev, event: event, query: owner.query, stream: owner.stream,
                        verdict: verdict?.rawValue, right: counts.right, wrong: counts.wrong, at: at))
            }
        ])
        return (owner.query, owner.stream, counts)
    }
    /// The events of a query that have a verdict.
    package func marked(of query: String, limit: Int) throws -> [(event: String, verdict: Verdict)] {
        try journal.marked(of: query, limit: limit)
    }
    /// Events that have been called right, or wrong.
    package func marked(as verdict: Verdict) throws -> Set<String> { try journal.marked(as: verdict) }
    /// The number of verdicts of each query, by its id.
    package func verdicts() throws -> [String: VerdictCounts] { try journal.verdicts() }

    // MARK: For notifiers

    /// Returns messages after `since` like `replay`, on a thread for notifiers.
    package nonisolated func follow(since: Int64, limit: Int) async throws -> ReplayPage {
        try await replay(since: since, limit: limit, filter: MessageFilter(), by: following)
    }
    /// The newest message of each event that goes on.
    package nonisolated func openForNotifiers() async throws -> [Entry] { try await following.openEvents() }
    package nonisolated func picture(of event: String) async -> Data? { await following.snapshot(of: event) }
    package nonisolated func places() async throws -> [String: Data] { try await following.places() }
    package nonisolated func save(place: Data, of name: String) async throws {
        try await following.save(place: place, of: name)
    }
    package nonisolated func remove(places names: [String]) async throws { try await following.remove(places: names) }

    package func save(calibrations: [SavedCalibration]) throws { try journal.save(calibrations: calibrations) }
    package func removeCalibrations(of queries: [String]) throws { try journal.removeCalibrations(of: queries) }
    package func calibrations() throws -> [SavedCalibration] { try journal.calibrations() }
    package func lastEnds(since: Double) throws -> [Journal.LastEnd] { try journal.lastEnds(since: since) }

    package func save(embeddings: [(key: Data, vector: [Float])], model: String) throws {
        try journal.save(embeddings: embeddings, model: model)
    }
    package func removeEmbeddings(of keys: [Data]) throws { try journal.removeEmbeddings(of: keys) }
    package nonisolated func embeddings(of keys: [Data], model: String) async throws -> [[Float]?] {
        try await archive.embeddings(of: keys, model: model)
    }

    /// Keeps a picture of events, before the messages that name it are sent.
    ///
    /// Returns the picture's path by event; empty if nothing is kept.
    package nonisolated func write(snapshot: Data, events: [String]) async throws -> [String: String] {
        try await archive.write(snapshot: snapshot, events: events)
    }
    /// The picture of an event; nil if there is none.
    package nonisolated func snapshot(of event: String) async throws -> Data? { await archive.snapshot(of: event) }
}

/// Reads the journal, and files beside it, without delaying messages.
private actor Archive {
    private let executor: QueueExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let journal: Journal

    init(_ journal: Journal, _ label: String) {
        self.journal = journal
        executor = QueueExecutor(label: label)
    }

    func replay(since: Int64, limit: Int, filter: MessageFilter) throws -> ReplayPage {
        try journal.replay(since: since, limit: limit, filter: filter)
    }
    func embeddings(of keys: [Data], model: String) throws -> [[Float]?] {
        try journal.embeddings(of: keys, model: model)
    }
    func openEvents() throws -> [Entry] { try journal.openEvents() }
    func newest(ofEvent name: String) throws -> Entry? { try journal.newest(ofEvent: name) }
    func snapshot(of event: String) -> Data? { journal.snapshot(of: event) }
    func write(snapshot: Data, events: [String]) throws -> [String: String] {
        try journal.write(snapshot: snapshot, events: events)
    }
    func places() throws -> [String: Data] { try journal.places() }
    func save(place: Data, of name: String) throws { try journal.save(place: place, of: name) }
    func remove(places names: [String]) throws { try journal.remove(places: names) }
}
