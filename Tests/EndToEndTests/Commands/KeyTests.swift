import Foundation
import Messaging
import TestSupport
import Testing
import WireFormat

@Suite("Keys", .serialized)
struct KeyTests {
    @Test("keygen writes a pair, the secret for its owner alone, and replaces nothing unasked")
    func keygen() async throws {
        let folder = try Place().folder
        let file = folder.appending(path: "k").path
        let made = try await run("watchword", ["keygen", "-o", file, "--json"])
        #expect(made.code == 0, "\(made.err)")
        let answer = try WireCoding.decode(JSONValue.self, Data(made.out.utf8))
        #expect(answer["file"]?.string == file && answer["secret"] == nil)
        let (secret, publicKey) = (try KeyFile.secret(file), try KeyFile.publicKey("\(file).pub"))
        #expect(try secret.publicKey() == publicKey && answer["public"]?.string == publicKey.z85)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        #expect(!made.out.contains(secret.z85))
        let again = try await run("watchword", ["keygen", "--output", file])
        #expect(again.code == 73 && again.err.contains("is there already"), "\(again.err)")
        #expect(try KeyFile.secret(file) == secret)
        #expect(try await run("watchword", ["keygen", "--output", file, "--force"]).code == 0)
        #expect(try KeyFile.secret(file) != secret)
        #expect(try await run("watchword", ["keygen", "--output", "/nowhere/k"]).code == 73)
        let printed = try await run("watchword", ["keygen"]).out.split(whereSeparator: \.isWhitespace)
        #expect(printed.count == 4 && printed.first == "secret" && printed[2] == "public")
        #expect(try CurveSecretKey(z85: printed[1]).publicKey().z85 == printed[3])
    }

    @Test("commands reach a daemon with CURVE by its key and theirs, and are told what is wrong with others")
    func commands() async throws {
        let place = try Place()
        let folder = place.folder.path
        for name in ["server", "client", "ears", "stranger"] {
            #expect(try await run("watchword", ["keygen", "-o", "\(folder)/\(name)"]).code == 0)
        }
        let (client, ears) = (
            try KeyFile.publicKey("\(folder)/client.pub"), try KeyFile.publicKey("\(folder)/ears.pub")
        )
        try "client \(client) subscribe,control\nears \(ears) subscribe\n".write(
            toFile: "\(folder)/clients", atomically: true, encoding: .utf8)
        // Beyond loopback: every interface.
        let (events, requests) = (try freePort(), try freePort())
        let lines = [
            "model: \(Fixtures.shapes.path)", "head: mean", "publish: \"tcp://*:\(events)\"",
            "control: \"tcp://0.0.0.0:\(requests)\"",
            "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)", "log: {level: error}",
        ]
        let config = "\(folder)/w.yaml"
        try lines.joined(separator: "\n").write(toFile: config, atomically: true, encoding: .utf8)
        let refused = try await run("watchwordd", ["--config", config])
        #expect(
            refused.code == 69 && refused.err.contains("binding beyond loopback is refused without CURVE"),
            "\(refused.err)")
        try (lines + ["curve: {key: server, clients: clients}"]).joined(separator: "\n").write(
            toFile: config, atomically: true, encoding: .utf8)
        let daemon = try Program(Fixtures.plugins + "/watchwordd", ["--config", config])

        let control = "tcp://127.0.0.1:\(requests)"
        let keys = ["--curve-key", "\(folder)/client", "--server-key", "\(folder)/server.pub"]
        #expect(try await until { try await run("watchword", ["status", "--control", control] + keys).code == 0 })
        let key = try KeyFile.publicKey("\(folder)/server.pub").z85
        let environment = [
            "WATCHWORD_CONTROL": control, "WATCHWORD_PUBLISH": "tcp://127.0.0.1:\(events)",
            "WATCHWORD_CURVE_KEY": "\(folder)/client", "WATCHWORD_SERVER_KEY": key,
        ]
        let added = try await run("watchword", ["query", "add", "a blue circle"], environment: environment)
        #expect(added.code == 0, "\(added.err)")
        #expect(try await run("watchword", ["events", "--since", "0"], environment: environment).code == 0)

        try await expectRefusals(of: folder, client, environment)
        #expect(try await daemon.terminate() == 0)
    }

    /// Checks that `status` reports problems of other keys, and of a key's file.
    private func expectRefusals(
        of folder: String, _ client: CurvePublicKey, _ environment: [String: String]
    ) async throws {
        func said(_ changes: [String: String]) async throws -> (code: Int32, err: String) {
            let found = try await run("watchword", ["status"], environment: environment.merging(changes) { $1 })
            #expect(found.out.isEmpty && found.err.split(separator: "\n").count == 1, "\(found)")
            return (found.code, found.err)
        }
        let plain = try await said(["WATCHWORD_CURVE_KEY": "", "WATCHWORD_SERVER_KEY": ""])
        #expect(plain.code == 77 && plain.err.contains("give --curve-key and --server-key"), "\(plain)")
        let stranger = try await said(["WATCHWORD_CURVE_KEY": "\(folder)/stranger"])
        #expect(stranger.code == 77 && stranger.err.contains("does not let this key in"), "\(stranger)")
        // One that was listed for events alone sees, and changes nothing.
        let listener = environment.merging(["WATCHWORD_CURVE_KEY": "\(folder)/ears"]) { $1 }
        #expect(try await run("watchword", ["status"], environment: listener).code == 0)
        for command in [["query", "add", "a red ring"], ["stream", "add", "world", "shapes://7"]] {
            let found = try await run("watchword", command, environment: listener)
            #expect(
                found.code == 77 && found.err.contains("needs the role") && found.err.contains("\"ears\" has view"),
                "\(found)")
        }
        let wrong = try await said(["WATCHWORD_SERVER_KEY": client.z85])
        #expect(wrong.code == 77 && wrong.err.contains("is --server-key its public key"), "\(wrong)")
        let half = try await said(["WATCHWORD_SERVER_KEY": ""])
        #expect(half.code == 64 && half.err.contains("go together"), "\(half)")
        let missing = try await said(["WATCHWORD_CURVE_KEY": "\(folder)/none"])
        #expect(missing.code == 66 && missing.err.contains("cannot be read"), "\(missing)")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(folder)/client")
        let exposed = try await said([:])
        #expect(exposed.code == 77 && exposed.err.contains("chmod 600"), "\(exposed)")
        let nobody = try await said(["WATCHWORD_CONTROL": "tcp://127.0.0.1:1", "WATCHWORD_CURVE_KEY": "\(folder)/ears"])
        #expect(nobody.code == 69 && nobody.err.contains("is watchwordd running?"), "\(nobody)")
    }
}
