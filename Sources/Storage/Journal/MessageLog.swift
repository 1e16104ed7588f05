/// A numbered log of messages that clients follow: a daemon's own, or that of its fleet.
package protocol MessageLog: Sendable {
    /// The identity of the numbering: the same number under another identity is another message.
    var identity: String { get }
    /// The newest number.
    var lastSeq: Int64 { get }
    /// The logs that this one continues, oldest first, with the last number that it shares with each.
    var branches: [JournalBranch] { get }
    /// The newest messages, for followers that keep up.
    var feed: EventFeed { get }
    /// Whether another copy of the log may be ahead of this one, and its clients may come here.
    var mayBeBehind: Bool { get }
    /// Throws if the log has no message of this number yet in any of its copies.
    func checkReaches(_ seq: Int64) async throws
    /// Returns messages after `since`, oldest first, at most `limit`, and the holes among them.
    func replay(since: Int64, limit: Int, filter: MessageFilter) async throws -> ReplayPage
    /// Returns the newest number, and the newest message of each event that is open at that moment.
    func openEvents() async throws -> (seq: Int64, entries: [Entry])
}

extension MessageLog {
    /// A log of which there is one copy is behind none.
    package var mayBeBehind: Bool { false }
    /// A log of which there is one copy has no other copy to ask: its reader compares with its newest number.
    package func checkReaches(_ seq: Int64) async throws {}
}
