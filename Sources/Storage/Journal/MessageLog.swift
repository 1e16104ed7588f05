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
    /// The number of messages by which this copy of the log may be behind another, whose clients may come here.
    var lag: Int64 { get }
    /// Returns messages after `since`, oldest first, at most `limit`, and the holes among them.
    func replay(since: Int64, limit: Int, filter: MessageFilter) async throws -> ReplayPage
    /// Returns the newest number, and the newest message of each event that is open at that moment.
    func openEvents() async throws -> (seq: Int64, entries: [Entry])
}

extension MessageLog {
    /// A log of which there is one copy is behind none.
    package var lag: Int64 { 0 }
}
