import Checkpoints
import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("The model commands", .serialized)
struct ModelCommandTests {
    private let folder: URL
    private var models: URL { folder.appending(path: "models") }
    private let cases = Fixtures.reference.appending(path: "cases")

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "commands-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func json(_ text: String) throws -> JSONValue { try WireCoding.decode(JSONValue.self, Data(text.utf8)) }

    private var entries: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.sorted() ?? []
    }

    @Test("convert writes a model whose parts inspect finds, in JSON too")
    func convert() async throws {
        let source = cases.appending(path: "seqTransf_3d/model.safetensors").path
        let place = folder.appending(path: "new/model").path
        let found = try await run("watchword", ["model", "convert", source, place, "--json"])
        #expect(found.code == 0, "\(found.err)")
        let report = try json(found.out)
        #expect(report["default_head"] == .string("transformer"))
        #expect(
            report["files"]?.array?.compactMap { $0["name"]?.string }.contains("heads/transformer.safetensors") == true)

        let inspected = try await run("watchword", ["model", "inspect", place, "--json"])
        let description = try json(inspected.out)
        #expect(description["patches"] == .string("3d") && description["default_head"] == .string("transformer"))
        #expect(description["heads"]?.array?.first?["layers"]?.integer == 2)
        #expect(description["towers"]?.array?.first?["types"]?.array == [.string("F16"), .string("F32")])
        let sum = try await blocking {
            let process = Process()
            let pipe = Pipe()
            process.executableURL = URL(filePath: "/usr/bin/sha256sum")
            process.arguments = [place + "/model.safetensors"]
            process.standardOutput = pipe
            try process.run()
            return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile().prefix(64), as: UTF8.self)
        }
        #expect(description["files"]?.array?.first?["sha256"] == .string(sum))
        // These weights have 256 tokens, for which there is no vocabulary: missing, so 65, after the whole of the rest.
        #expect(inspected.code == 65 && inspected.err.contains("vocab.json"))
    }

    @Test("inspect finds nothing missing in the shapes model, and says which plugin is")
    func inspect() async throws {
        let found = try await run("watchword", ["model", "inspect"])
        #expect(found.code == 0, "\(found.err)")
        for part in ["ViT-128x4/8@64", "head          lstm: 132096 parameters, 1 layer, F32", "model.safetensors"] {
            #expect(found.out.contains(part), "\(part): \(found.out)")
        }
        let model = folder.appending(path: "model")
        try FileManager.default.copyItem(at: Fixtures.shapes, to: model)
        let heads = model.appending(path: "heads")
        try FileManager.default.copyItem(
            at: heads.appending(path: "lstm.safetensors"), to: heads.appending(path: "unheard.safetensors"))
        let foreign = try await run("watchword", ["model", "inspect", model.path])
        #expect(foreign.code == 65 && foreign.out.contains("MISSING") && foreign.out.contains("head \"unheard\""))
    }

    @Test("convert refuses what is there, and a disk that is full leaves nothing behind")
    func convertFails() async throws {
        let place = folder.appending(path: "model")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: place.appending(path: "config.json"))
        let arguments = ["model", "convert", Fixtures.shapes.path, place.path]
        let refused = try await run("watchword", arguments)
        #expect(refused.code == 73 && refused.err.contains("--force") && refused.err.contains(place.path))

        // A limit on the size of files fails as a full disk does, and at every size.
        for kilobytes in ["10", "30", "4000"] {
            let limited = try await blocking {
                let process = Process()
                process.executableURL = URL(filePath: "/bin/bash")
                let program = Fixtures.plugins + "/watchword"
                process.arguments =
                    ["-c", "trap '' XFSZ; ulimit -f \(kilobytes); exec \"$0\" \"$@\" 2>/dev/null", program] + arguments
                    + ["--force"]
                try process.run()
                process.waitUntilExit()
                return process.terminationStatus
            }
            #expect(limited == 73, "\(kilobytes)")
            #expect(entries == ["model"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == ["config.json"])
        }
        let forced = try await run("watchword", arguments + ["--force"])
        #expect(forced.code == 0 && entries == ["model"], "\(forced.err)")
        let again = try await run("watchword", ["model", "inspect", place.path])
        #expect(again.code == 0, "\(again.err)")
    }

    @Test("a pulled model is listed, and found by its name")
    func pull() async throws {
        let server = try await HubServer()
        let environment = [
            "HF_ENDPOINT": server.address("redirect+cut"), "HF_TOKEN": "hf_secret", "WATCHWORD_MODELS": models.path,
        ]
        let arguments = ["model", "pull", "owner/shapes", "--json"]
        let found = try await run("watchword", arguments, environment: environment)
        #expect(found.code == 0, "\(found.err)")
        let lines = found.out.split(separator: "\n")
        let report = try json(String(try #require(lines.first)))
        let path = models.appending(path: "owner/shapes").path
        #expect(lines.count == 1 && report["pulled"] == .bool(true) && report["path"] == .string(path))
        #expect(!found.err.contains("hf_secret") && !found.err.contains("Signature") && !found.err.contains("█"))

        let count = try server.requests().count
        let again = try await run("watchword", arguments, environment: environment)
        #expect(again.code == 0)
        #expect(try json(again.out)["pulled"] == .bool(false))
        #expect(try server.requests().count == count)

        let list = try await run("watchword", ["model", "list", "--json"], environment: environment)
        let names = try json(list.out).array?.compactMap { $0["name"]?.string }
        #expect(names == ["owner/shapes", "shapes (bundled)"])
        for name in ["owner/shapes", "shapes"] {
            let found = try await run(
                "watchword", ["embed", "--text", "a circle", "--model", name], environment: environment)
            #expect(found.code == 0, "\(found.err)")
        }
        let nobody = try await run("watchword", ["tokenize", "--model", "nobody"], environment: environment)
        #expect(nobody.code == 66 && nobody.err.contains("nobody") && nobody.err.contains(models.path), "\(nobody.err)")
    }

    @Test("Ctrl-C keeps what came, and the next pull goes on with it")
    func interrupted() async throws {
        let server = try await HubServer()
        // A little at a time, with a wait after each: there is time to interrupt it.
        let program = Fixtures.plugins + "/watchword"
        let (pull, models) = (["model", "pull", "owner/shapes", "--models", models.path], models)
        let part = models.appending(path: "owner/.shapes.pull/model.safetensors.part").path
        let address = server.address("drip")
        let status = try await blocking {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["-u", "HF_TOKEN", "HF_ENDPOINT=\(address)", program] + pull
            process.standardError = FileHandle.nullDevice
            try process.run()
            while process.isRunning, (try? Data(contentsOf: URL(filePath: part)))?.isEmpty != false {
                Thread.sleep(forTimeInterval: 0.01)
            }
            process.interrupt()
            process.waitUntilExit()
            return (process.terminationReason, process.terminationStatus)
        }
        #expect(status.0 == .uncaughtSignal && status.1 == SIGINT, "\(status)")
        let size = try #require(try FileManager.default.attributesOfItem(atPath: part)[.size] as? Int)
        #expect(size > 0 && !FileManager.default.fileExists(atPath: models.appending(path: "owner/shapes").path))
        let count = try server.weightRequests().count
        let found = try await run("watchword", pull, environment: ["HF_ENDPOINT": server.address("plain")])
        #expect(found.code == 0, "\(found.err)")
        #expect(try server.weightRequests().dropFirst(count).map { $0.headers["range"] } == ["bytes=\(size)-"])
    }

    @Test(
        "a pull that cannot be done is one sentence that names the thing, with sysexits' code",
        arguments: [
            ("plain", "clip", Int32(64), "owner/name"), ("plain", "owner/nobody", 66, "owner/nobody"),
            ("wrong", "owner/shapes", 65, "model.safetensors"), ("apilong", "owner/shapes", 65, "in its list"),
            ("forbidden", "owner/shapes", 77, "HF_TOKEN"), ("unauthorized", "owner/shapes", 77, "HF_TOKEN"),
            ("later", "owner/shapes", 69, "429"),
        ])
    func pullFails(_ behaviour: String, _ name: String, _ code: Int32, _ part: String) async throws {
        let server = try await HubServer()
        let found = try await run(
            "watchword", ["model", "pull", name, "--models", models.path],
            environment: ["HF_ENDPOINT": server.address(behaviour), "HF_TOKEN": "hf_secret"])
        #expect(found.code == code && found.err.contains(part), "\(found.code): \(found.err)")
        #expect(!found.err.contains("hf_secret") && found.err.split(separator: "\n").count == 1, "\(found.err)")
    }

    /// Makes a model directory of one file.
    private func model(_ name: String, _ file: String, _ contents: String) throws -> URL {
        let place = folder.appending(path: name)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try Data(contents.utf8).write(to: place.appending(path: file))
        return place
    }

    private static let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1000\n"

    @Test("list says of each model that cannot be used why, and exits as ever")
    func listSaysWhy() async throws {
        _ = try model("models/lfs", "model.safetensors", Self.pointer)
        _ = try model("models/page", "pytorch_model.bin", "<!DOCTYPE html><html><body>Sign in</body></html>")
        _ = try model("models/owner/part", "pytorch_model.bin.4", "x")
        let good = models.appending(path: "good")
        try FileManager.default.copyItem(at: Fixtures.shapes, to: good)
        let found = try await run("watchword", ["model", "list", "--models", models.path, "--json"])
        #expect(found.code == 0, "\(found.err)")
        let entries = try json(found.out).array ?? []
        func problem(_ name: String) -> String? {
            entries.first { $0["name"]?.string == name }?["problem"]?.string
        }
        #expect(problem("lfs")?.contains("a pointer of Git LFS") == true, "\(found.out)")
        #expect(problem("page")?.contains("a page of HTML") == true, "\(found.out)")
        #expect(problem("owner/part")?.contains("pytorch_model.bin.4") == true, "\(found.out)")
        #expect(problem("good") == nil && entries.contains { $0["name"]?.string == "good" })
        let shown = try await run("watchword", ["model", "list", "--models", models.path])
        #expect(shown.out.contains("Git LFS") && shown.out.contains("HTML"), "\(shown.out)")
    }

    @Test("pull says of a model that came whole and cannot be used why; that it came is no failure")
    func pullSaysWhy() async throws {
        let source = try model("source", "model.safetensors", Self.pointer)
        for name in ["config.json", "vocab.json", "merges.txt"] {
            try FileManager.default.copyItem(
                at: Fixtures.shapes.appending(path: name), to: source.appending(path: name))
        }
        let server = try await HubServer(model: source)
        let found = try await run(
            "watchword", ["model", "pull", "owner/shapes", "--models", models.path],
            environment: ["HF_ENDPOINT": server.address("plain")])
        #expect(found.code == 0 && found.err.contains("a pointer of Git LFS"), "\(found)")
    }
}
