import Concurrency
package import Foundation
package import Journal
package import Logging
package import Messaging
import Service
import Synchronization
import WireFormat

/// Sends all messages of the daemon: stores each in the journal (message database), then publishes it.
///
/// It runs on its own executor, since a commit waits for the disk; messages sent during a commit are committed together
/// by the next. If the journal cannot be written (a full or read-only disk), messages are published nevertheless, with
/// continuing numbers, and kept in memory until it can be written.
package actor Outbox: MessageLog {
    private let executor = QueueExecutor(label: "watchword.outbox")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let journal: Journal
    private let archive: Archive
    /// Reads stored messages for notifiers (senders of alerts), on its own thread, so that they delay nothing else.
    private let following: Archive
    private let publisher: Publisher?
    private let logger: Logger
    private let waiting = Mutex<[PendingMessage]>([])
    private(set) package var published = 0
    /// The number of messages that could not be encoded and so were not sent.
    private(set) package var unwritable = 0
    /// The messages that were published recently, for readers in this process.
    package nonisolated let feed: EventFeed

    private var backlog: Backlog
    private var lost = 0
    private var removals = RetentionLog()
    private var problem: JournalError?
    private var nextTry = ContinuousClock.now
    /// The pause between a failed commit of messages to the disk and the next attempt.
    private static let pause = Duration.milliseconds(250)
    /// The number of waiting messages that are stored in one database transaction.
    private static let chunk = 500

    /// Makes an outbox; `limit` is the greatest number of messages that wait while the disk cannot be written.
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

    /// Sends messages in order; returns when they are published.
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
        // Another call of `flush` has taken and published the messages.
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
        // Reserve the published numbers, so that they are not used again if the process ends before they are stored.
        if !backlog.isEmpty { journal.note(published: journal.lastSeq) }
    }

    private func failed(_ error: JournalError) {
        nextTry = .now + Self.pause
        // Logged once; `status` shows the newest reason.
        if problem == nil {
            logger.error("events are published but not journaled", metadata: ["error": "\(error)"])
        }
        problem = error
    }

    /// Stores waiting messages in the journal (message database), until none is left or a commit fails; oldest first.
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

    /// Sends an `end` message for each event that a crash left open; must be called before other messages are sent.
    ///
    /// `clips` returns the paths of the files of an event's clip (its video); none if it has no clip.
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

    /// Sends heartbeats, stores waiting messages and deletes old ones, until the task is cancelled.
    ///
    /// `clock` returns the time of day, which may be wrong.
    package func run(
        heartbeat: Duration = .seconds(10), retention: Retention = .standard,
        clock: @Sendable () -> Date = { Date() }
    ) async {
        var nextBeat = ContinuousClock.now
        var nextPruning = ContinuousClock.now + .seconds(1)
        while !Task.isCancelled {
            let now = ContinuousClock.now
            drain()
            if now >= nextBeat {
                beat()
                nextBeat = now + heartbeat
            }
            if now >= nextPruning, backlog.isEmpty {
                nextPruning = now + (prune(retention, clock()) ? .milliseconds(20) : .seconds(60))
            }
            try? await Task.sleep(for: min(.seconds(1), heartbeat, max(.zero, nextPruning - .now)))
        }
    }

    /// Sends a heartbeat with the newest sequence number, so that a subscriber notices that it missed messages.
    private func beat() {
        let seq = journal.lastSeq
        let message = HeartbeatMessage(seq: seq, journal: journal.identity, journaled: problem == nil, at: Date())
        guard let body = try? WireCoding.encode(message) else { return }
        publisher?.publish(topic: Topic.heartbeat, seq: seq, body: body)
    }

    /// Deletes some messages that are older than the configured retention allows; returns true if there are more.
    private func prune(_ retention: Retention, _ now: Date) -> Bool {
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

    /// Returns the messages after number `since`, oldest first, at most `limit`, and the gaps of lost messages.
    ///
    /// They include published messages that are not stored yet. Reading does not delay sending.
    package nonisolated func replay(since: Int64, limit: Int, filter: MessageFilter) async throws -> ReplayPage {
        try await replay(since: since, limit: limit, filter: filter, by: archive)
    }

    private nonisolated func replay(
        since: Int64, limit: Int, filter: MessageFilter, by archive: Archive
    ) async throws -> ReplayPage {
        // Read the unstored messages first: one that is stored in the meantime is then found twice, and not missed.
        let (behind, hole) = await pending(since: since)
        var page = try await archive.replay(since: since, limit: limit, filter: filter)
        guard page.through == nil else { return page }
        let stored = max(page.entries.last?.seq ?? 0, page.holes.last?.last ?? 0)
        if var hole, hole.last > stored {
            hole.first = max(hole.first, since + 1, stored + 1)
            page.holes.append(hole)
        }
        let more = behind.filter { $0.seq > stored && filter.passes($0) }
        let room = limit - page.entries.count
        page.entries += more.prefix(room)
        if more.count > room { page.through = page.entries.last?.seq }
        return page
    }

    private func pending(since: Int64) -> (entries: [Entry], hole: Hole?) {
        (backlog.entries.filter { $0.seq > since }, backlog.hole.flatMap { $0.last > since ? $0 : nil })
    }

    /// Returns the newest sequence number, and the newest message of each event that is open now.
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

    /// Returns the newest message of an event; nil if there is no event with this id.
    package nonisolated func newest(ofEvent name: String) async throws -> Entry? {
        if let behind = await pending(since: 0).entries.last(where: { $0.event?.id == name }) { return behind }
        return try await archive.newest(ofEvent: name)
    }

    /// Returns the state of the journal (message database) for the operation `status`.
    package func status() -> JournalStatus {
        JournalStatus(
            journaled: problem == nil, backlog: backlog.entries.count, lost: lost, problem: problem?.description,
            damage: journal.damage, identity: journal.identity, notes: journal.notes.isEmpty ? nil : journal.notes)
    }

    package nonisolated var lastSeq: Int64 { journal.lastSeq }
    /// The id of the journal (message database); equal numbers under different ids belong to different messages.
    package nonisolated var identity: String { journal.identity }
    /// The earlier message databases that this one continues, oldest first, each with the last shared number.
    package nonisolated var branches: [JournalBranch] { journal.branches }

    // MARK: Other saved data; here, because storing it waits for the disk, too

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

    /// Stores a user's verdict on an event (right or wrong), and sends a message about it; nil removes the verdict.
    ///
    /// Returns the event's query and stream, and the numbers of the query's verdicts; nil if there is no such event.
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
    /// Returns the events of a query that have a verdict, at most `limit`.
    package func marked(of query: String, limit: Int) throws -> [(event: String, verdict: Verdict)] {
        try journal.marked(of: query, limit: limit)
    }
    /// Returns the ids of all events that have this verdict.
    package func marked(as verdict: Verdict) throws -> Set<String> { try journal.marked(as: verdict) }
    /// Returns the numbers of right and wrong verdicts for each query, by its id.
    package func verdicts() throws -> [String: VerdictCounts] { try journal.verdicts() }

    // MARK: For notifiers

    /// Returns messages after number `since`, like `replay`, but on the thread for notifiers (senders of alerts).
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
    package func removeCalibrations(ofStream name: String, except kept: [String] = []) throws -> [String] {
        try journal.removeCalibrations(ofStream: name, except: kept)
    }
    package func calibrations() throws -> [SavedCalibration] { try journal.calibrations() }
    package func calibrations(of stream: String) throws -> [SavedCalibration] {
        try journal.calibrations(of: stream)
    }
    package func lastEnds(since: Double) throws -> [Journal.LastEnd] { try journal.lastEnds(since: since) }

    package func save(embeddings: [(key: Data, vector: [Float])], model: String) throws {
        try journal.save(embeddings: embeddings, model: model)
    }
    package func removeEmbeddings(of keys: [Data]) throws { try journal.removeEmbeddings(of: keys) }
    package func removeEmbeddings(except keys: [Data], model: String) throws {
        try journal.removeEmbeddings(except: keys, model: model)
    }
    package nonisolated func embeddings(of keys: [Data], model: String) async throws -> [[Float]?] {
        try await archive.embeddings(of: keys, model: model)
    }

    /// Stores one picture for several events; must be called before the messages that name it are sent.
    ///
    /// Returns the path of the picture by event id; empty if pictures are not stored.
    package nonisolated func write(snapshot: Data, events: [String]) async throws -> [String: String] {
        try await archive.write(snapshot: snapshot, events: events)
    }
    /// Returns the picture of an event; nil if it has none.
    package nonisolated func snapshot(of event: String) async throws -> Data? { await archive.snapshot(of: event) }
}

/// Reads and writes the message database and its pictures on a separate executor, so that messages are not delayed.
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
