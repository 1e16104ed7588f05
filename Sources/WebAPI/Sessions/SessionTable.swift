import Digests
package import Foundation
import Synchronization
package import WireFormat

/// The browsers' sessions: a random value in a cookie stands for a token, until the session expires or is ended.
///
/// The table is in memory and stores digests of the values, so that a copy of this memory opens no session. A restart
/// ends all sessions.
package final class SessionTable: Sendable {
    package final class Session: Sendable {
        package let caller: Caller
        /// The time at which the session expires.
        package let until: Date
        fileprivate let end: ContinuousClock.Instant
        private let isEnded = Atomic(false)

        fileprivate init(_ caller: Caller, until: Date, end: ContinuousClock.Instant) {
            (self.caller, self.until, self.end) = (caller, until, end)
        }

        /// Returns true if the session has expired, was ended, or was removed for a newer one of the same token.
        package func isOver(at now: ContinuousClock.Instant = .now) -> Bool {
            now >= end || isEnded.load(ordering: .acquiring)
        }

        fileprivate func finish() { isEnded.store(true, ordering: .releasing) }
    }

    private let sessions = Mutex<[String: Session]>([:])
    /// The greatest number of sessions of one token; one more ends that token's oldest session.
    ///
    /// Sessions of other tokens are not affected.
    package static let most = 32
    package static let life = Duration.seconds(12 * 3600)

    package init() {}

    /// Opens a session with a token's role and returns its value, 256 random bits, which is stored nowhere else.
    package func open(for caller: Caller, at now: ContinuousClock.Instant = .now) -> (value: String, Session) {
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        let value = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
        let session = Session(
            caller, until: Date(timeIntervalSinceNow: Self.life / .seconds(1)), end: now + Self.life)
        let key = Self.digest(value)
        sessions.withLock { sessions in
            sessions = sessions.filter { !$0.value.isOver(at: now) }
            let own = sessions.filter { $0.value.caller.name == caller.name }
            if own.count >= Self.most, let oldest = own.min(by: { $0.value.end < $1.value.end }) {
                sessions.removeValue(forKey: oldest.key)?.finish()
            }
            sessions[key] = session
        }
        return (value, session)
    }

    /// Returns the session that a cookie's value stands for; nil if it is unknown, ended or expired.
    package func session(_ value: String, at now: ContinuousClock.Instant = .now) -> Session? {
        let key = Self.digest(value)
        return sessions.withLock { $0[key] }.flatMap { $0.isOver(at: now) ? nil : $0 }
    }

    /// Ends a session if it exists, and the endless answers that it has open.
    package func end(_ value: String) {
        let key = Self.digest(value)
        sessions.withLock { $0.removeValue(forKey: key) }?.finish()
    }

    private static func digest(_ value: String) -> String {
        let digest = Digest(.sha256)
        digest.update(Array(value.utf8))
        return digest.hexadecimal
    }
}

/// The cookie with a session's value; its name contains the port, since cookies do not distinguish ports.
struct SessionCookie: Sendable {
    let name: String

    init(port: Int) { name = "watchword-\(port)" }

    /// Returns the session's value in a request's `Cookie` header; nil if there is none.
    func value(in header: String?) -> String? {
        for pair in (header ?? "").split(separator: ";") {
            let sides = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2, sides[0] == name, !sides[1].isEmpty { return String(sides[1]) }
        }
        return nil
    }

    /// Returns the `Set-Cookie` header for a value, or with nil to delete it; a secure cookie returns only over TLS.
    func field(_ value: String?, isSecure: Bool) -> String {
        let age = value == nil ? 0 : Int(SessionTable.life / .seconds(1))
        return "\(name)=\(value ?? ""); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }
}
