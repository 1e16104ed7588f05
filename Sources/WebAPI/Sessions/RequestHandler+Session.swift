import ControlAPI
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import SystemSupport
import WireFormat

extension RequestHandler {
    /// Who sends a request.
    struct Sender {
        let caller: Caller
        /// What tells it from others of its address.
        let key: String
        /// A browser's; nil for a bearer token, and where no token is configured.
        let session: SessionTable.Session?
    }

    /// The sender of a request: by its bearer token, else by its session.
    ///
    /// A session's value cannot be guessed, so an unknown one is no wrong token: it is one that has ended.
    func sender(_ headers: HTTPFields, _ peer: Peer) throws -> Sender {
        let authorization = headers[.authorization]
        if gate.hasToken, authorization == nil, let value = cookie.value(in: headers[.cookie]) {
            guard let session = sessions.session(value) else {
                throw Refusal(401, "unauthorized", "the session has ended; sign in again")
            }
            return Sender(caller: session.caller, key: value, session: session)
        }
        let caller = try doorman.check(peer, given: authorization) { try gate.check(authorization: authorization) }
        // Without tokens this header tells nobody apart.
        return Sender(caller: caller, key: gate.hasToken ? authorization ?? "" : "", session: nil)
    }

    /// Exchanges a token for a session; one that the browser had ends, so that none can be planted.
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

    /// Ends the browser's session, if it has one.
    func endSession(_ headers: HTTPFields) throws -> Response {
        if let value = cookie.value(in: headers[.cookie]) { sessions.end(value) }
        var response = Self.json(Data("{\"ended\":true}".utf8))
        response.headers[.setCookie] = cookie.field(nil, isSecure: Self.isSecure(headers))
        return response
    }

    /// Whether the browser reached this by TLS; its `Origin` was held against `Host` before.
    private static func isSecure(_ headers: HTTPFields) -> Bool {
        headers[.origin]?.lowercased().hasPrefix("https://") == true
    }

    /// The role of the asker, and until when it has it.
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

/// What is sent and answered about sessions.
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
