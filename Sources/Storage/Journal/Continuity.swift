import Foundation
import GRDB

/// An earlier journal that this one continues, and the last message number (`seq`) that both share.
///
/// No number up to `seq` means different messages in the two journals, although one of them may lack the message
/// (`Hole`). Numbers above it may mean different ones.
package struct JournalBranch: Sendable, Equatable {
    package let identity: String
    package let seq: Int64
    /// True if `seq` is known to be the last number that the earlier journal published, so that none is used twice.
    package let isComplete: Bool

    package init(identity: String, seq: Int64, isComplete: Bool) {
        self.identity = identity
        self.seq = seq
        self.isComplete = isComplete
    }

    /// Returns the earlier journals recorded in the database, oldest first.
    static func all(_ database: Database) throws -> [JournalBranch] {
        try Row.fetchAll(database, sql: "SELECT identity, seq, complete FROM branch ORDER BY rowid").map {
            JournalBranch(identity: $0["identity"], seq: $0["seq"], isComplete: $0["complete"] as Int64 != 0)
        }
    }

    func record(_ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO branch (identity, seq, complete) VALUES (?, ?, ?)",
            arguments: [identity, seq, isComplete ? 1 : 0])
    }
}

/// Decides when a journal is opened whether it has all published messages, and which message number comes next.
///
/// A journal that is, or may be, older than what was published continues under another identity. Subscribers then know
/// that numbers may repeat. If the last published number is known, no number is used twice.
struct Continuity {
    struct Start {
        var identity: String
        var seq: Int64
        var branches: [JournalBranch] = []
        var notes: [String] = []
        /// True if the journal continues under another identity than the one in its file.
        var isOther = false
    }

    private let opened: JournalFile.Opened
    private let side: String
    private let path: String

    init(_ opened: JournalFile.Opened) {
        self.opened = opened
        path = opened.path
        side = path + "-last"
    }

    /// The facts about published messages that the small file beside the journal (`PublishedFile`) tells.
    private struct Known {
        var published: Int64 = 0
        var reason = Hole.Reason.unjournaled
        /// The identity of the journal that published the last message; nil if it is this one, or unknown.
        var identity: String?
        /// The reason why this journal is not the one that published the last message, for people; nil if it is.
        var difference: String?
        /// True if `published` is known to be the number of the last published message.
        var isComplete = true
    }

    func settle() throws -> Start {
        var start = try opened.database.write { try Self.repaired($0) }
        let wasRepaired = start.isOther
        let known = try compare(&start)
        let last = max(start.seq, known.published, opened.salvaged ?? 0)
        try opened.database.write { database in
            if last > start.seq {
                try Journal.record(Hole(first: start.seq + 1, last: last, reason: known.reason), database)
                try database.execute(sql: "UPDATE state SET seq = ?", arguments: [last])
            }
            var earlier = known.identity.map { [$0] } ?? []
            if let difference = known.difference {
                if !wasRepaired { earlier.append(start.identity) }
                start.identity = UUID().uuidString
                start.isOther = true
                start.notes.append("\(path) goes on as another journal, since \(difference)")
                try database.execute(sql: "UPDATE state SET identity = ?", arguments: [start.identity])
                try database.execute(
                    sql: "UPDATE branch SET seq = min(seq, ?), complete = min(complete, ?)",
                    arguments: [last, known.isComplete ? 1 : 0])
            }
            for identity in earlier {
                try JournalBranch(identity: identity, seq: last, isComplete: known.isComplete).record(database)
            }
            try database.execute(
                sql: "DELETE FROM branch WHERE rowid NOT IN (SELECT rowid FROM branch ORDER BY rowid DESC LIMIT 100)")
            start.branches = try JournalBranch.all(database)
        }
        start.seq = last
        return start
    }

    // MARK: Comparison with the published numbers

    private func compare(_ start: inout Start) throws -> Known {
        switch PublishedFile.read(side) {
        case .missing:
            guard start.seq > 0 else { return Known() }
            return Known(difference: "\(side), which says how far it was published, is missing", isComplete: false)
        case .wrong(let problem): return try putAside(problem, &start)
        case .read(let content):
            let newest = max(start.seq, opened.salvaged ?? 0)
            guard content.published <= newest + Numbers.mostUnknown else {
                return try putAside("it says \(content.published), and the journal ends at \(newest)", &start)
            }
            return compare(content, start)
        }
    }

    private func compare(_ content: PublishedFile.Content, _ start: Start) -> Known {
        var known = Known(published: content.published)
        // An empty journal that replaced a damaged or missing file already has an identity of its own.
        let isEmpty = start.seq == 0
        guard let identity = content.identity else {
            if content.published > start.seq, !isEmpty { known.difference = older(content.published, start) }
            return known
        }
        if identity != start.identity {
            (known.identity, known.reason) = (identity, .restored)
            if !isEmpty { known.difference = "\(side) is of another one" }
        } else if content.stored > start.seq {
            known.reason = .restored
            known.difference = older(content.stored, start)
        } else if content.birth != opened.lock.birth, !isEmpty {
            known.difference = "its file is a copy of the one that was written last"
            known.isComplete = false
        }
        return known
    }

    private func older(_ number: Int64, _ start: Start) -> String {
        "it ends at \(start.seq), and messages up to \(number) were published: it is an older copy"
    }

    private func putAside(_ problem: String, _ start: inout Start) throws -> Known {
        let aside: String
        do { aside = try PublishedFile.putAside(side) } catch {
            throw JournalError(
                description:
                    "\(path): the journal cannot be opened: \(side) is wrong (\(problem)) and cannot be renamed: "
                    + "\((error as NSError).localizedDescription)")
        }
        start.notes.append("\(side) was wrong (\(problem)) and is now \(aside)")
        guard start.seq > 0 else { return Known() }
        return Known(difference: "how far it was published is not known", isComplete: false)
    }

    // MARK: Identity and numbers in the database

    /// Reads the journal's identity and newest number from the database, and corrects impossible ones.
    private static func repaired(_ database: Database) throws -> Start {
        let newest = try Int64.fetchOne(database, sql: "SELECT max(seq) FROM message") ?? 0
        try database.execute(
            sql: "DELETE FROM hole WHERE first < 1 OR last < first OR last > ?", arguments: [Numbers.most])
        let row = try Row.fetchOne(database, sql: "SELECT seq, identity, bytes FROM state")
        let (seq, identity, bytes): (Int64?, String?, Int64?) = (row?["seq"], row?["identity"], row?["bytes"])
        let isRight = seq.map { $0 >= newest && $0 <= max(newest, Numbers.mostAtStart) } ?? false
        let hasName = identity.map(isIdentity) ?? false
        let hasSize = bytes.map { $0 >= 0 && $0 < 1 << 50 } ?? false
        if isRight, hasName, hasSize, let seq, let identity { return Start(identity: identity, seq: seq) }
        var start = Start(identity: hasName ? identity ?? "" : UUID().uuidString, seq: isRight ? seq ?? 0 : newest)
        if !isRight {
            let holes = try Int64.fetchOne(database, sql: "SELECT max(last) FROM hole") ?? 0
            let topics = try Int64.fetchOne(
                database, sql: "SELECT max(last) FROM topic WHERE last <= ?", arguments: [Numbers.mostAtStart])
            start.seq = max(newest, holes, topics ?? 0)
            start.notes.append(
                "the journal's newest number was \(seq.map { "\($0)" } ?? "missing"); it goes on after \(start.seq)"
            )
        }
        if !isRight || !hasName {
            start.isOther = true
            start.identity = UUID().uuidString
        }
        try database.execute(sql: "UPDATE topic SET last = ? WHERE last > ?", arguments: [start.seq, start.seq])
        try database.execute(
            sql:
                """
                INSERT OR REPLACE INTO state (id, seq, bytes, identity)
                SELECT 1, ?, \(Schema.weights), ? FROM message
                """,
            arguments: [start.seq, start.identity])
        if !isRight, hasName, let identity {
            try JournalBranch(identity: identity, seq: start.seq, isComplete: false).record(database)
        }
        return start
    }

    private static func isIdentity(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21..<0x7F).contains($0) }
    }
}
