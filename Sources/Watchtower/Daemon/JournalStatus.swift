/// The journal in `status`.
package struct JournalStatus: Codable, Sendable, Equatable {
    /// Whether what is published is stored first.
    package let journaled: Bool
    /// Messages published that wait to be stored.
    package let backlog: Int
    /// Messages published that never will be.
    package let lost: Int
    package let problem: String?
    /// What was wrong with the file found at the start, and where it is now.
    package let damage: String?
    /// Of the line of numbers; another one means that numbers are given again.
    package let identity: String
    /// What else was found at the start.
    package let notes: [String]?
}
