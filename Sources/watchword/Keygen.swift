import ArgumentParser
import CommandSupport
import Foundation
import Messaging
import SystemSupport

/// `watchword keygen`: makes a pair of keys for encrypted connections (CURVE) to a daemon.
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

    /// Writes a key file atomically, so that the key never exists with another file mode.
    private func write(_ path: String, _ text: String, mode: mode_t) throws {
        guard case .file(let place) = OutputPlace(path) else { return try FileWriter.write(Data(text.utf8), to: path) }
        do throws(WriteError) {
            try AtomicFile.write(Data(text.utf8), to: place, mode: mode)
        } catch {
            throw FileError(path, error.code)
        }
    }
}
