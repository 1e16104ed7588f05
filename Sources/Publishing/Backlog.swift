import Journal

/// Published messages that could not be stored in the journal yet (because the disk is full, for example), in order.
///
/// The size is limited: above the limit the oldest messages are lost. They leave one gap in the numbers, directly after
/// the stored messages.
struct Backlog {
    private(set) var entries: ArraySlice<Entry> = []
    /// The sequence numbers of messages that were lost since the journal last stored one; nil if none was lost.
    private(set) var hole: Hole?
    /// The ids of events whose `start` message is stored in the journal, but whose `end` message was lost.
    private(set) var ended: Set<String> = []
    /// The ids of events whose `start` message was lost, so that the stored messages do not mention them.
    private var unknown: Set<String> = []
    private var bytes = 0
    private let limit: Limit

    struct Limit {
        var messages = 20_000
        var bytes = 64 << 20
    }

    init(limit: Limit = Limit()) { self.limit = limit }

    var isEmpty: Bool { entries.isEmpty && hole == nil }

    /// Adds messages; returns the number of old messages that were lost because of the size limit.
    mutating func add(_ new: [Entry]) -> Int {
        entries += new
        bytes += new.reduce(0) { $0 + $1.body.count }
        var lost = 0
        while entries.count > limit.messages || bytes > limit.bytes, let oldest = entries.popFirst() {
            lose(oldest)
            lost += 1
        }
        return lost
    }

    private mutating func lose(_ entry: Entry) {
        bytes -= entry.body.count
        if hole == nil {
            hole = Hole(first: entry.seq, last: entry.seq, reason: .unjournaled)
        } else {
            hole?.last = entry.seq
        }
        guard let event = entry.event else { return }
        switch event.phase {
        case .start: unknown.insert(event.id)
        case .update: break
        case .end: if unknown.remove(event.id) == nil { ended.insert(event.id) }
        }
    }

    /// Removes the `count` oldest messages, which are now stored, and the gap before them.
    mutating func stored(_ count: Int) {
        bytes -= entries.prefix(count).reduce(0) { $0 + $1.body.count }
        entries = count == entries.count ? [] : entries.dropFirst(count)
        (hole, ended, unknown) = (nil, [], [])
    }
}
