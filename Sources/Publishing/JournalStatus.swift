/// The journal's state in `status`.
package struct JournalStatus: Codable, Sendable, Equatable {
    /// Whether messages are stored before they are published.
    package let journaled: Bool
    /// The number of published messages that wait to be stored.
    package let backlog: Int
    /// The number of published messages that will never be stored.
    package let lost: Int
    package let problem: String?
    /// The damage of the file found at the start, and the file's new path.
    package let damage: String?
    /// The identity of the numbering: the same number under another identity is another message.
    package let identity: String
    /// Other remarks from the start.
    package let notes: [String]?
}
