/// The state of the journal (the daemon's message database) in the answer of the operation `status`.
package struct JournalStatus: Codable, Sendable, Equatable {
    /// True if messages are stored before they are published; false while the disk cannot be written.
    package let journaled: Bool
    /// The number of published messages that wait to be stored.
    package let backlog: Int
    /// The number of published messages that will never be stored.
    package let lost: Int
    package let problem: String?
    /// The damage found in the journal's database file at the daemon's start, and where the damaged file was moved.
    package let damage: String?
    /// The id of the journal (message database); equal numbers under different ids belong to different messages.
    package let identity: String
    /// Remarks about repairs of the journal (message database) at the daemon's start.
    package let notes: [String]?
}
