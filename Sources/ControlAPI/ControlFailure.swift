import Printing
import SystemSupport
package import WireFormat

/// A control request that was refused: a code for programs, a sentence for people.
package struct ControlFailure: Error, Equatable, CustomStringConvertible {
    package let code: String
    package let description: String

    package init(_ code: String, _ message: String) {
        self.code = code
        description = message
    }

    package init(_ code: FailureCode, _ message: String) { self.init(code.rawValue, message) }

    /// A client's role is too small for what it asks.
    package static func missing(_ role: Role, for what: String, _ caller: Caller) -> ControlFailure {
        let who = caller.name.map { "\"\($0)\" has" } ?? "yours is"
        return ControlFailure(
            .forbidden, "\(what) needs the role \(role.rawValue), \(who) \(caller.role.rawValue)")
    }

    /// A client that may see some streams asks for what is about all.
    package static func limited(_ what: String, _ caller: Caller) -> ControlFailure {
        let who = caller.name.map { "\"\($0)\" sees" } ?? "you see"
        let patterns = caller.streams?.patterns.joined(separator: ", ") ?? "*"
        return ControlFailure(
            .forbidden, "\(what) is about all streams, and \(who) only some: \(patterns.excerpt())")
    }
}

/// Why an operation is refused, for programs.
package enum FailureCode: String, Sendable, CaseIterable {
    case badRequest = "bad-request"
    case badArgument = "bad-argument"
    case notFound = "not-found"
    /// The client's role does not reach so far.
    case forbidden
    /// There is another thing of that name, and nobody asked to replace it.
    case exists
    /// Numbers that were given are of another journal.
    case otherJournal = "other-journal"
    /// Understood, and not possible: the sentence says why.
    case refused
    /// The disk or the database takes nothing now.
    case unavailable
}
