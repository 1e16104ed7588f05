import ArgumentParser
import Foundation
import Messaging
import SystemSupport

struct Keygen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a pair of CURVE keys, for a daemon or for a client of one.")

    @Option(
        name: [.short, .long],
        help: "Write the secret key to FILE, for its owner alone, and the public one to FILE.pub.")
    var output: String?
    @Flag(help: "Replace files that are there.")
    var force = false
    @Flag(help: "Print JSON.")
    var json = false

    private struct Made: Encodable {
        let publicKey: String
        let secretKey: String?
        let file: String?

        enum CodingKeys: String, CodingKey {
            case publicKey = "public"
            case secretKey = "secret"
            case file
        }
    }

    func run() async throws {
        try await Exit.guarding {
            let secret = try CurveSecretKey.make()
            let publicKey = try secret.publicKey().z85
            if let output {
                for path in [output, "\(output).pub"] where !force && access(path, F_OK) == 0 {
                    throw WriteRefusal(
                        description: "\(path) is there already; choose another name, or give --force")
                }
                try write("\(output).pub", "# a public key of Watchword\n\(publicKey)\n", mode: 0o644)
                try write(output, "# a secret key of Watchword: for its owner alone\n\(secret.z85)\n", mode: 0o600)
            }
            let shown = output == nil ? secret.z85 : nil
            if json { return try Terminal.say(json: Made(publicKey: publicKey, secretKey: shown, file: output)) }
            if let shown { Terminal.say("secret \(shown)") }
            Terminal.say("public \(publicKey)")
        }
    }

    /// The file is never there with another mode, or by half.
    private func write(_ path: String, _ text: String, mode: mode_t) throws {
        guard case .file(let place) = OutputPlace(path) else { return try FileWriter.write(Data(text.utf8), to: path) }
        do throws(WriteError) {
            try AtomicFile.write(Data(text.utf8), to: place, mode: mode)
        } catch {
            throw FileError(path, error.code)
        }
    }
}

/// A file that cannot be made.
struct WriteRefusal: Error, CustomStringConvertible { let description: String }

/// One of two keys.
struct HalfAnIdentity: Error, CustomStringConvertible { let description: String }

/// Options of commands that talk to a daemon that wants CURVE.
struct KeyOptions: ParsableArguments {
    @Option(help: "This client's secret key, a file of `watchword keygen` (or WATCHWORD_CURVE_KEY).")
    var curveKey: String?
    @Option(help: "The daemon's public key, a file or the key itself (or WATCHWORD_SERVER_KEY).")
    var serverKey: String?

    /// Nil for a daemon without CURVE.
    func identity() throws -> CurveIdentity? {
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
        // A key is 40 letters, of which some are no good in names of files.
        let publicKey =
            if let key = try? CurvePublicKey(z85: server), access(server, F_OK) != 0 {
                key
            } else {
                try KeyFile.publicKey(server)
            }
        return CurveIdentity(secret: try KeyFile.secret(secret), server: publicKey)
    }
}
