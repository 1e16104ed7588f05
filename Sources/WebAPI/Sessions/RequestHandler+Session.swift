import ControlAPI
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import SystemSupport
import WireFormat

extension RequestHandler {
    /// The sender of a request, once it is authorized.
    struct Sender {
        let caller: Caller
        /// A key for rate limits that distinguishes this sender from others with the same address.
        let key: String
        /// The browser's session; nil for a bearer token, and if no token is configured.
        let session: SessionTable.Session?
    }

    /// Returns the sender of a request by its bearer token or, without one, by the session in its cookie.
    ///
    /// A session's value cannot be guessed, so an unknown value belongs to a session that has ended: it throws 401, but
    /// does not count as a wrong token.
    func sender(_ headers: HTTPFields, _ peer: Peer) throws -> Sender {
        let authorization = headers[.authorization]
        if gate.hasToken, authorization == nil, let value = cookie.value(in: headers[.cookie]) {
            guard let session = sessions.session(value) else {
                throw Refusal(401, "unauthorized", "the session has ended; sign in again")
            }
            return Sender(caller: session.caller, key: value, session: session)
        }
        let caller = try doorman.check(peer, given: authorization) { try gate.check(authorization: authorization) }
        // If no token is configured, the header does not distinguish senders.
        return Sender(caller: caller, key: gate.hasToken ? authorization ?? "" : "", session: nil)
    }

    /// Exchanges a token for a new session, whose cookie is in the answer.
    ///
    /// The browser's previous session ends, so that nobody can plant a session (session fixation).
    func openSession(_ body: Data, _ headers: HTTPFields, _ peer: Peer) throws -> Response {
        guard gate.hasToken else {
            throw Refusal(422, "refused", "no token is configured: whoever reaches this address has the role control")
        }
        let members = try ArgumentReader.members(of: body, headers[.contentType], SessionDocument.body)
        let token = members["token"]?.string ?? ""
        let caller = try doorman.check(peer, given: token) { try gate.check(authorization: "Bearer " + token) }
        if let old = cookie.value(in: headers[.cookie]) { sessions.end(old) }
        let (value, session) = sessions.open(for: caller)
        var response = Self.json(try WireCoding.encode(described(caller, session)))
        response.headers[.setCookie] = cookie.field(value, isSecure: Self.isSecure(headers))
        return response
    }

    /// Ends the browser's session, if it has one, and deletes its cookie.
    func endSession(_ headers: HTTPFields) throws -> Response {
        if let value = cookie.value(in: headers[.cookie]) { sessions.end(value) }
        var response = Self.json(Data("{\"ended\":true}".utf8))
        response.headers[.setCookie] = cookie.field(nil, isSecure: Self.isSecure(headers))
        return response
    }

    /// Returns true if the browser used TLS, by its `Origin`, which was compared with `Host` before.
    private static func isSecure(_ headers: HTTPFields) -> Bool {
        headers[.origin]?.lowercased().hasPrefix("https://") == true
    }

    /// Answers with the caller's role and, for a session, the time at which it ends.
    func showSession(_ caller: Caller, _ headers: HTTPFields) throws -> Response {
        let value = headers[.authorization] == nil ? cookie.value(in: headers[.cookie]) : nil
        return Self.json(try WireCoding.encode(described(caller, value.flatMap { sessions.session($0) })))
    }

    private func described(_ caller: Caller, _ session: SessionTable.Session?) -> JSONValue {
        var members: [String: JSONValue] = [
            "role": .string(caller.role.rawValue), "token": .bool(gate.hasToken),
        ]
        members["name"] = caller.name.map { .string($0) }
        members["streams"] = caller.streams.map { .array($0.patterns.map { .string($0) }) }
        members["until"] = session.map { .string(Moment(secondsSince1970: $0.until.timeIntervalSince1970).description) }
        return .object(members)
    }
}

/// The JSON schemas of requests and answers about sessions.
enum SessionDocument {
    static let body = Schema.object([
        .init("token", .text(1...1024), required: true, "A token of the configuration.")
    ])
    static let shown = Schema.object([
        .init("role", .word(["view", "operate", "control"]), required: true),
        .init("token", .truth, required: true, "Whether a token is configured; else nobody signs in."),
        .init("name", .text(), "The token's name."),
        .init("streams", .list(.text()), "Patterns of the streams that the asker may see; all, if it is not there."),
        .init("until", .moment, "When the session ends."),
    ])
    static let ended = Schema.object([.init("ended", .truth, required: true)])
}
