package import ArgumentParser
import Foundation
package import Messaging

/// The options of commands that talk to a daemon over an encrypted connection (ZeroMQ's CURVE).
package struct KeyOptions: ParsableArguments {
    @Option(help: "This client's secret key, a file of `watchword keygen` (or WATCHWORD_CURVE_KEY).")
    package var curveKey: String?
    @Option(help: "The daemon's public key, a file or the key itself (or WATCHWORD_SERVER_KEY).")
    package var serverKey: String?

    package init() {}

    /// Returns the client's secret key and the daemon's public key; nil if neither is given.
    ///
    /// Throws `HalfAnIdentity` if one of the two is missing, and `CurveKeyError` for a file that is not a key.
    package func identity() throws -> CurveIdentity? {
        func variable(_ name: String) -> String? {
            ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        let secret = curveKey ?? variable("WATCHWORD_CURVE_KEY")
        let server = serverKey ?? variable("WATCHWORD_SERVER_KEY")
        guard let secret, let server else {
            guard secret == nil, server == nil else {
                let missing = secret == nil ? "--curve-key" : "--server-key"
                throw HalfAnIdentity(description: "--curve-key and --server-key go together; give \(missing), too")
            }
            return nil
        }
        // The value can be a key of 40 characters or the path of a key file; a file of that name takes precedence.
        let publicKey =
            if let key = try? CurvePublicKey(z85: server), access(server, F_OK) != 0 {
                key
            } else {
                try KeyFile.publicKey(server)
            }
        return CurveIdentity(secret: try KeyFile.secret(secret), server: publicKey)
    }
}
