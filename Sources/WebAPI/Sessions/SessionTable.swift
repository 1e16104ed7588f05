import Digests
package import Foundation
import Synchronization
package import WireFormat

/// Sessions of browsers: a random value in a cookie stands for a token, until it expires or is ended.
///
/// In memory, and by digest: what is read of this process opens nothing. A restart ends them all.
package final class SessionTable: Sendable {
    package final class Session: Sendable {
        package let caller: Caller
        /// When it ends by itself.
        package let until: Date
        fileprivate let end: ContinuousClock.Instant
        private let isEnded = Atomic(false)

        fileprivate init(_ caller: Caller, until: Date, end: ContinuousClock.Instant) {
            (self.caller, self.until, self.end) = (caller, until, end)
        }

        /// Whether it has expired, was signed out, or made room for a newer one.
        package func isOver(at now: ContinuousClock.Instant = .now) -> Bool {
            now >= end || isEnded.load(ordering: .acquiring)
        }

        fileprivate func finish() { isEnded.store(true, ordering: .releasing) }
    }

    private let sessions = Mutex<[String: Session]>([:])
    /// Sessions of one token at once; beyond, its oldest ends.
    ///
    /// No caller ends another's.
    package static let most = 32
    package static let life = Duration.seconds(12 * 3600)

    package init() {}

    /// Opens a session with a token's role; its value, of 256 random bits, is known to the caller alone.
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

    /// The session of a value; nil if it is unknown, ended or expired.
    package func session(_ value: String, at now: ContinuousClock.Instant = .now) -> Session? {
        let key = Self.digest(value)
        return sessions.withLock { $0[key] }.flatMap { $0.isOver(at: now) ? nil : $0 }
    }

    /// Ends a session, if it is one, and with it the streams that it has open.
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

/// The cookie that carries a session's value; its name has the port, since cookies of one host know none.
struct SessionCookie: Sendable {
    let name: String

    init(port: Int) { name = "watchword-\(port)" }

    /// The value that a request's `Cookie` brings; nil if it brings none.
    func value(in header: String?) -> String? {
        for pair in (header ?? "").split(separator: ";") {
            let sides = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2, sides[0] == name, !sides[1].isEmpty { return String(sides[1]) }
        }
        return nil
    }

    /// `Set-Cookie` for a value, or for its end; a secure one comes back over TLS alone.
    func field(_ value: String?, isSecure: Bool) -> String {
        let age = value == nil ? 0 : Int(SessionTable.life / .seconds(1))
        return "\(name)=\(value ?? ""); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }
}
