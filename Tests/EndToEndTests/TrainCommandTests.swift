import Checkpoints
import Foundation
import Messaging
import TestSupport
import Testing

@Suite("The train command", .serialized)
struct TrainCommandTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "train-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private func clips(_ name: String, seed: Int, count: Int) async throws -> String {
        let made = try await run(
            "watchword",
            [
                "world", "clips", "--seed", "\(seed)", "--count", "\(count)", "--size", "96x72", "--output", path(name),
            ])
        #expect(made.code == 0, "\(made.err)")
        return path(name) + "/manifest.jsonl"
    }

    private func train(_ manifest: String, _ more: [String]) async throws -> (out: String, err: String, code: Int32) {
        let found = try await run(
            "watchword",
            ["train", "--manifest", manifest, "--batch", "8", "--cache", path("cache"), "--threads", "1"] + more)
        return (found.out, found.err, found.code)
    }

    @Test("a head is trained to a model that eval and watch load, and its log and curve lie beside it")
    func head() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (pairs, held) = (
            try await clips("pairs", seed: 31, count: 64), try await clips("held", seed: 32, count: 16)
        )
        let trained = try await train(
            pairs,
            [
                "--head", "lstm", "--fresh", "--epochs", "3", "--learning-rate", "1e-3", "--validation", held,
                "--output", path("model"), "--json",
            ])
        #expect(trained.code == 0, "\(trained.err)")
        let epochs = try trained.out.split(separator: "\n").map {
            try WireCoding.decode(JSONValue.self, Data($0.utf8))
        }
        #expect(epochs.count == 3 && epochs.allSatisfy { $0["R1"] != nil })
        let files = try FileManager.default.contentsOfDirectory(atPath: path("model"))
        #expect(
            Set(files).isSuperset(of: ["config.json", "heads", "model.safetensors", "training.jsonl", "training.svg"]))
        // Towers were not learnt.
        let old = try SafetensorsFile(path: Fixtures.shapes.appending(path: "model.safetensors").path)
        let new = try SafetensorsFile(path: path("model/model.safetensors"))
        #expect(Set(old.tensors.keys) == Set(new.tensors.keys))
        for name in old.tensors.keys { #expect(try old.floats(name) == new.floats(name), "\(name)") }
        let measured = try await run(
            "watchword", ["eval", "--model", path("model"), "--manifest", held, "--cache", path("cache"), "--json"])
        #expect(measured.code == 0 && measured.out.contains("\"head\":\"lstm\""), "\(measured.err)")
        // The place is taken now, and is not touched.
        let again = try await train(pairs, ["--head", "lstm", "--output", path("model")])
        #expect(again.code == 73 && again.err.contains("--force"), "\(again.err)")
    }

    @Test("a training that is interrupted goes on to the same files as one that is not")
    func resumes() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let pairs = try await clips("pairs", seed: 33, count: 48)
        let options = [
            "--head", "transformer", "--fresh", "--layers", "1", "--learn", "text", "--frozen-layers", "-1",
            "--tower-factor", "0.1", "--epochs", "4",
        ]
        let whole = try await train(pairs, options + ["--output", path("whole")])
        #expect(whole.code == 0, "\(whole.err)")
        let arguments =
            ["train", "--manifest", pairs, "--batch", "8", "--cache", path("cache"), "--threads", "1"] + options
            + ["--output", path("parts")]
        let log = path("parts.training.log")
        let status = try await blocking {
            let process = Process()
            process.executableURL = URL(filePath: Fixtures.plugins + "/watchword")
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment.merging([
                "WATCHWORD_PIPELINES": Fixtures.repository.appending(path: "Pipelines").path,
                "WATCHWORD_MODEL": Fixtures.shapes.path,
            ]) { $1 }
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            // It is interrupted when there is something to go on from; if it has ended by then, the rest holds as well.
            while process.isRunning, !FileManager.default.fileExists(atPath: log) { usleep(2000) }
            if process.isRunning { process.interrupt() }
            process.waitUntilExit()
            return process.terminationStatus
        }
        if status != 0 {
            #expect(status == 130)
            #expect(!FileManager.default.fileExists(atPath: path("parts")))
            let rest = try await train(pairs, options + ["--resume", "--output", path("parts")])
            #expect(rest.code == 0, "\(rest.err)")
        }
        for file in ["model.safetensors", "heads/transformer.safetensors", "training.jsonl"] {
            let (a, b) = (URL(filePath: path("whole/\(file)")), URL(filePath: path("parts/\(file)")))
            #expect(try Data(contentsOf: a) == Data(contentsOf: b), "\(file)")
        }
        // The text tower was learnt.
        let old = try SafetensorsFile(path: Fixtures.shapes.appending(path: "model.safetensors").path)
        let new = try SafetensorsFile(path: path("whole/model.safetensors"))
        #expect(Set(old.tensors.keys) == Set(new.tensors.keys))
        #expect(try old.floats("text_projection.weight") != new.floats("text_projection.weight"))
        #expect(try old.floats("visual_projection.weight") == new.floats("visual_projection.weight"))
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(left == ["cache", "pairs", "parts", "whole"])
    }

    @Test("bad input is one sentence and the right exit code, and nothing is written")
    func badInput() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let pairs = try await clips("pairs", seed: 34, count: 4)
        for (options, code, part) in [
            (["--head", "lstm"], Int32(65), "do not fill one batch"), (["--head", "mean"], 64, "nothing to learn"),
            (["--head", "other"], 64, "head"),
            (["--head", "lstm", "--resume", "--batch", "2"], 65, "cannot be opened"),
            (["--head", "tight", "--frames", "32", "--batch", "2"], 65, "positions"),
        ] {
            let found = try await train(pairs, options + ["--output", path("model")])
            #expect(found.code == code && found.err.contains(part), "\(options): \(found.code) \(found.err)")
            #expect(!FileManager.default.fileExists(atPath: path("model")))
        }
        try "{\"video\":\"clip-000000.mp4\",\"caption\":\"\"}".write(toFile: pairs, atomically: true, encoding: .utf8)
        let empty = try await train(pairs, ["--head", "lstm", "--output", path("model")])
        #expect(empty.code == 65 && empty.err.contains("caption is empty"), "\(empty.err)")
    }
}
