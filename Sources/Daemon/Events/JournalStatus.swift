/// The journal in `status`.
package struct JournalStatus: Codable, Sendable, Equatable {
    /// Whether what is published is stored first.
    package let journaled: Bool
    /// Messages published that wait to be stored.
    package let backlog: Int
    /// Messages published that never will be.
    package let lost: Int
    package let problem: String?
    /// Fault of the file found at the start, and its new name.
    package let damage: String?
    /// Identity of the line of numbers: under another one, numbers stand for other messages.
    package let identity: String
    /// Other findings at the start.
    package let notes: [String]?
}
