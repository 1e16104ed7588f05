package import Foundation
import GRDB
import Synchronization
import SystemSupport

/// The error of a journal that cannot be opened, read or written; its description names the file.
package struct JournalError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// True if the journal cannot be opened because another process has it open.
    package var isInUse = false
}

/// The journal: an SQLite database with all published messages, numbered by `seq` without gaps, and other saved state.
///
/// That state is queries and streams that were added while the daemon ran, calibrations of learnt thresholds,
/// embeddings of texts, and pictures of events.
///
/// All calls wait for the disk, so they belong on an executor that may block. A commit is on the disk when it returns
/// (`synchronous = FULL`), so a number is never used twice, even if the power fails.
package final class Journal: Sendable {
    let database: any DatabaseWriter
    let snapshots: SnapshotFolder?
    private let mark: PublishedFile?
    private let numbering: Mutex<Numbering>
    /// The newest number that is stored, and noted in the small file beside the journal; readers get no greater one.
    ///
    /// Otherwise a reader could receive a number twice, for different messages: if the process is killed before the
    /// number is noted, and the journal is then restored from a copy.
    let stored: Atomic<Int64>
    /// The journal's identity: the same number in a journal with another identity is another message.
    package let identity: String
    /// The earlier journals that this one continues, each with the last message number that both share.
    package let branches: [JournalBranch]
    /// The damage found in the file, and the path to which the file was moved; nil if the file was whole.
    package let damage: String?
    /// Messages for the log about opening the journal, other than damage.
    package let notes: [String]
    let aging = Mutex(Aging())
    private let name: String
    /// The lock that reserves the file for this process; released last, after the database was closed.
    private let lock: JournalLock?

    /// The newest message number, and the newest number of each recently used topic.
    private struct Numbering {
        var last: Int64
        var topics: [String: Int64] = [:]
        /// The number of remembered topics above which they are forgotten, once all of their messages are on the disk.
        static let limit = 100_000
    }

    /// Opens or creates the journal at `path`; if `path` is nil, makes one in memory.
    ///
    /// The file is locked for this process as long as this object lives. A damaged file is moved aside, and `damage`
    /// names it. An empty journal replaces it, and continues its numbers if they can still be read.
    package init(path: String?) throws(JournalError) {
        name = path ?? "journal in memory"
        do {
            guard let path else {
                database = try DatabaseQueue()
                try Schema.migrations.migrate(database)
                (snapshots, mark, damage, notes, branches, lock) = (nil, nil, nil, [], [], nil)
                identity = try database.read { try String.fetchOne($0, sql: "SELECT identity FROM state") } ?? ""
                numbering = Mutex(Numbering(last: 0))
                stored = Atomic(0)
                return
            }
            try PrivateFiles.prepare(journal: path)
            let opened = try JournalFile.open(path)
            (lock, database, damage) = (opened.lock, opened.database, opened.damage)
            let start = try Continuity(opened).settle()
            (identity, branches) = (start.identity, start.branches)
            numbering = Mutex(Numbering(last: start.seq))
            stored = Atomic(start.seq)
            mark = PublishedFile(
                path: opened.path + "-last",
                .init(
                    published: start.seq, stored: start.seq, identity: start.identity, birth: opened.lock.birth))
            snapshots = try SnapshotFolder(path + ".d/snapshots")
            let isOther = opened.damage != nil || start.isOther
            let aside = isOther ? "\(path).d/without-event-\(FileNames.moment())" : nil
            let moved = try snapshots?.sweep(keeping: Self.eventNames(database), asideTo: aside) ?? 0
            notes =
                start.notes + (aside.map { moved > 0 ? ["\(moved) snapshots of no event are now in \($0)"] : [] } ?? [])
        } catch let error as JournalError {
            throw error
        } catch {
            throw JournalError(description: "\(name): the journal cannot be opened: \(Self.reason(error))")
        }
    }

    static func reason(_ error: any Error) -> String {
        (error as? FolderProblem)?.description ?? (error as? DatabaseError)?.message
            ?? "\((error as NSError).localizedDescription)"
    }

    func doing<T>(_ what: String, _ body: () throws -> T) throws(JournalError) -> T {
        do { return try body() } catch { throw JournalError(description: "\(name): \(what): \(Self.reason(error))") }
    }

    // MARK: Numbers

    /// The newest number that was given to a message; 0 if there is none.
    package var lastSeq: Int64 { numbering.withLock { $0.last } }

    /// Gives messages their numbers (`seq`, and `prev`, the topic's previous number) without storing them.
    ///
    /// A message whose body cannot be encoded gets no number; its error is in `refused`.
    package func number(_ messages: [PendingMessage]) -> (entries: [Entry], refused: [any Error]) {
        numbering.withLock { numbering in
            var entries: [Entry] = []
            var refused: [any Error] = []
            entries.reserveCapacity(messages.count)
            for message in messages {
                let seq = numbering.last + 1
                let prev = previous(message.topic, &numbering)
                do {
                    let body = try message.body(seq, prev)
                    entries.append(
                        Entry(
                            seq: seq, prev: prev, topic: message.topic, query: message.query, stream: message.stream,
                            event: message.event, body: body))
                    numbering.last = seq
                    numbering.topics[message.topic] = seq
                } catch {
                    refused.append(error)
                }
            }
            return (entries, refused)
        }
    }

    private func previous(_ topic: String, _ numbering: inout Numbering) -> Int64? {
        if let known = numbering.topics[topic] { return known }
        do {
            return try database.read {
                try Int64.fetchOne($0, sql: "SELECT last FROM topic WHERE name = ?", arguments: [topic])
            }
        } catch {
            // The topic's last number cannot be read. A number that is too high is harmless: a subscriber asks the
            // journal, and finds that nothing is missing.
            return numbering.last > 0 ? numbering.last : nil
        }
    }

    /// Numbers and stores messages in one transaction: all of them, or none if it throws.
    package func append(_ messages: [PendingMessage], at time: Date = Date()) throws(JournalError) -> [Entry] {
        let before = numbering.withLock { $0 }
        let (entries, refused) = number(messages)
        do {
            if let error = refused.first { try doing("messages cannot be written") { throw error } }
            try commit(entries, at: time)
            return entries
        } catch {
            numbering.withLock { $0 = before }
            throw error
        }
    }

    /// Stores numbered messages in one transaction; if it throws, nothing is stored.
    ///
    /// `hole`, a range of numbers before them whose messages are lost, is stored with them. `ended` are the ids of
    /// events whose `end` message was lost in the hole.
    package func commit(
        _ entries: [Entry], after hole: Hole? = nil, ended: Set<String> = [], at time: Date = Date()
    ) throws(JournalError) {
        guard let last = entries.last?.seq ?? hole?.last else { return }
        try doing("messages cannot be written") {
            try database.write { database in
                if let hole { try Self.record(hole, database) }
                for event in ended {
                    try database.execute(sql: "UPDATE event SET phase = 'end' WHERE name = ?", arguments: [event])
                }
                let bytes = try insert(entries, time.timeIntervalSince1970, database)
                try database.execute(sql: "UPDATE state SET seq = ?, bytes = bytes + ?", arguments: [last, bytes])
            }
        }
        mark?.stored(last)
        stored.store(last, ordering: .releasing)
        numbering.withLock { numbering in
            if numbering.last == last, numbering.topics.count > Numbering.limit { numbering.topics = [:] }
        }
    }

    private func insert(_ entries: [Entry], _ time: Double, _ database: Database) throws -> Int {
        let topic = try database.cachedStatement(
            sql: """
                INSERT INTO topic (name, query, stream, last) VALUES (?, ?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET last = excluded.last RETURNING id
                """)
        // An event that has ended is never opened again.
        let event = try database.cachedStatement(
            sql: """
                INSERT INTO event (name, query, stream, first, last, phase, snapshot) VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET last = excluded.last,
                    phase = CASE WHEN phase = 'end' THEN phase ELSE excluded.phase END,
                    snapshot = coalesce(excluded.snapshot, snapshot) RETURNING id
                """)
        let message = try database.cachedStatement(
            sql: "INSERT INTO message (seq, prev, topic, event, time, body) VALUES (?, ?, ?, ?, ?, ?)")
        let bodies = StoredBodies(database)
        var bytes = 0
        for entry in entries {
            let topicID = try Int64.fetchOne(topic, arguments: [entry.topic, entry.query, entry.stream, entry.seq])
            var eventID: Int64?
            if let mark = entry.event {
                let snapshot = mark.snapshot.map { $0 == snapshots?.path(mark.id) ? Schema.ownSnapshot : $0 }
                eventID = try Int64.fetchOne(
                    event,
                    arguments: [
                        mark.id, entry.query, entry.stream, entry.seq, entry.seq, mark.phase.rawValue, snapshot,
                    ])
            }
            let body = try bodies.pack(entry.body, topic: entry.topic)
            try message.execute(arguments: [entry.seq, entry.prev, topicID, eventID, time, body])
            bytes += body.count + Schema.rowBytes
        }
        return bytes
    }

    /// Records the newest number that was published but could not be stored.
    ///
    /// After a crash, that number is then not used again. The record overwrites a small file in place, which works even
    /// on a full disk.
    package func note(published number: Int64) { mark?.published(number) }
}
