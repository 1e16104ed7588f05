import Printing
import SystemSupport
package import WireFormat

/// The error of a control request that was refused: a code for programs, and a message for people.
package struct ControlFailure: Error, Equatable, CustomStringConvertible {
    package let code: String
    package let description: String

    package init(_ code: String, _ message: String) {
        self.code = code
        description = message
    }

    package init(_ code: FailureCode, _ message: String) { self.init(code.rawValue, message) }

    /// Returns the error for a client whose role does not allow what it requested; `what` names that in the message.
    package static func missing(_ role: Role, for what: String, _ caller: Caller) -> ControlFailure {
        let who = caller.name.map { "\"\($0)\" has" } ?? "yours is"
        return ControlFailure(
            .forbidden, "\(what) needs the role \(role.rawValue), \(who) \(caller.role.rawValue)")
    }

    /// Returns the error for a client that may see only some streams and requested what is about all streams.
    package static func limited(_ what: String, _ caller: Caller) -> ControlFailure {
        let who = caller.name.map { "\"\($0)\" sees" } ?? "you see"
        let patterns = caller.streams?.patterns.joined(separator: ", ") ?? "*"
        return ControlFailure(
            .forbidden, "\(what) is about all streams, and \(who) only some: \(patterns.excerpt())")
    }
}

/// The codes of errors that operations answer, by which programs tell them apart.
package enum FailureCode: String, Sendable, CaseIterable {
    case badRequest = "bad-request"
    case badArgument = "bad-argument"
    case notFound = "not-found"
    /// The client's role does not allow the operation.
    case forbidden
    /// The name is in use, and the request does not ask to replace what has it.
    case exists
    /// The message numbers in the request belong to another journal than the daemon's present one.
    case otherJournal = "other-journal"
    /// The request is valid but cannot be fulfilled; the message says why.
    case refused
    /// The disk or the journal's database cannot be written now.
    case unavailable
}
