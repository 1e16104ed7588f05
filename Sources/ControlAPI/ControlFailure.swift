import Printing
import SystemSupport
package import WireFormat

/// A refused control request: a code for programs, a sentence for people.
package struct ControlFailure: Error, Equatable, CustomStringConvertible {
    package let code: String
    package let description: String

    package init(_ code: String, _ message: String) {
        self.code = code
        description = message
    }

    package init(_ code: FailureCode, _ message: String) { self.init(code.rawValue, message) }

    /// The failure for a client whose role does not allow the request.
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

/// The reason of a refusal, as a code for programs.
package enum FailureCode: String, Sendable, CaseIterable {
    case badRequest = "bad-request"
    case badArgument = "bad-argument"
    case notFound = "not-found"
    /// The client's role does not allow the operation.
    case forbidden
    /// The name is in use, and the request does not ask to replace it.
    case exists
    /// The given numbers belong to another journal.
    case otherJournal = "other-journal"
    /// The request is valid but impossible; the sentence tells why.
    case refused
    /// The disk or the database cannot be written now.
    case unavailable
}
