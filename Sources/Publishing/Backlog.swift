import Journal

/// Published messages that the journal could not store yet, in order.
///
/// It is bounded: above the limit the oldest are lost, which leaves one hole directly after the stored messages.
struct Backlog {
    private(set) var entries: ArraySlice<Entry> = []
    /// The messages lost since the journal last stored one; nil if none was lost.
    private(set) var hole: Hole?
    /// The events whose beginning the journal has, but whose `end` was lost.
    private(set) var ended: Set<String> = []
    /// The events whose `start` was lost, so that the journal knows nothing of them.
    private var unknown: Set<String> = []
    private var bytes = 0
    private let limit: Limit

    struct Limit {
        var messages = 20_000
        var bytes = 64 << 20
    }

    init(limit: Limit = Limit()) { self.limit = limit }

    var isEmpty: Bool { entries.isEmpty && hole == nil }

    /// Adds messages; returns how many old ones were lost for them.
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

    /// Removes the oldest messages, which are stored now, with the hole before them.
    mutating func stored(_ count: Int) {
        bytes -= entries.prefix(count).reduce(0) { $0 + $1.body.count }
        entries = count == entries.count ? [] : entries.dropFirst(count)
        (hole, ended, unknown) = (nil, [], [])
    }
}
