import Checkpoints
import Foundation
import TestSupport
import Testing
import WireFormat

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

    /// Begins a training, and interrupts it when there is a checkpoint; returns its exit code.
    private func interrupted(_ pairs: String, _ options: [String], output: String) async throws -> Int32 {
        try await interrupted(
            ["train", "--manifest", pairs, "--batch", "8", "--cache", path("cache"), "--threads", "1"] + options,
            output: output)
    }

    private func interrupted(_ command: [String], output: String) async throws -> Int32 {
        let arguments = command + ["--output", output]
        let log = output + ".training.log"
        return try await blocking {
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
            while process.isRunning, !FileManager.default.fileExists(atPath: log) { usleep(2000) }
            process.interrupt()
            process.waitUntilExit()
            return process.terminationStatus
        }
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
        // Pictures that are normalised in another way have other embeddings.
        let known = try FileManager.default.contentsOfDirectory(atPath: path("cache")).count
        let mean = ["image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]]
        try JSONEncoder().encode(mean).write(to: URL(filePath: path("model/preprocessor_config.json")))
        let other = try await run(
            "watchword", ["eval", "--model", path("model"), "--manifest", held, "--cache", path("cache")])
        #expect(other.code == 0, "\(other.err)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path("cache")).count == known + 16)
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
        #expect(try await interrupted(pairs, options, output: path("parts")) == 130)
        #expect(!FileManager.default.fileExists(atPath: path("parts")))
        let rest = try await train(pairs, options + ["--resume", "--output", path("parts")])
        #expect(rest.code == 0, "\(rest.err)")
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
        // Its image tower was not, so that the clips' embeddings are those that are known.
        let known = try FileManager.default.contentsOfDirectory(atPath: path("cache")).sorted()
        let measured = try await run(
            "watchword", ["eval", "--model", path("whole"), "--manifest", pairs, "--cache", path("cache")])
        #expect(measured.code == 0, "\(measured.err)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path("cache")).sorted() == known)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(left == ["cache", "pairs", "parts", "whole"])
    }

    @Test("everything is trained from pictures, with 2D and 3D patches, and watch loads it", arguments: ["2d", "3d"])
    func everything(_ patches: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let pairs = try await clips("pairs", seed: 35, count: 16)
        let options = [
            "--head", "mean", "--learn", "all", "--patches", patches, "--frozen-layers", "1", "--tower-factor", "0.5",
            "--learning-rate", "1e-3", "--epochs", "2", "--validation", pairs,
        ]
        let whole = try await train(pairs, options + ["--output", path("model")])
        #expect(whole.code == 0 && whole.out.contains("R@1"), "\(whole.err)")
        let old = try SafetensorsFile(path: Fixtures.shapes.appending(path: "model.safetensors").path)
        let new = try SafetensorsFile(path: path("model/model.safetensors"))
        let isNew = Set(new.tensors.keys).subtracting(old.tensors.keys)
        #expect(isNew == (patches == "3d" ? ["visual.conv2.weight"] : []))
        func changed(_ name: String) throws -> Bool { try old.floats(name) != new.floats(name) }
        for tower in ["vision_model", "text_model"] {
            // Frozen as the reference does: with 3D patches nothing is.
            #expect(try changed("\(tower).encoder.layers.0.mlp.fc1.weight") == (patches == "3d"))
            #expect(try changed("\(tower).encoder.layers.1.mlp.fc1.weight"))
        }
        #expect(try !changed("vision_model.embeddings.patch_embedding.weight"))
        if patches == "3d" {
            let kernel = try new.floats("visual.conv2.weight")
            #expect(kernel.prefix(64).contains { $0 != 0 }, "the frame before is looked at")
        }
        let measured = try await run(
            "watchword", ["eval", "--model", path("model"), "--manifest", pairs, "--head", "mean", "--json"])
        #expect(measured.code == 0, "\(measured.err)")
    }

    @Test("training from pictures that is interrupted goes on to the same files")
    func everythingResumes() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let pairs = try await clips("pairs", seed: 36, count: 16)
        let options = [
            "--head", "lstm", "--fresh", "--learn", "all", "--accumulate", "2", "--frozen-layers", "-1",
            "--tower-factor", "0.1", "--epochs", "3",
        ]
        let whole = try await train(pairs, options + ["--output", path("whole")])
        #expect(whole.code == 0, "\(whole.err)")
        #expect(try await interrupted(pairs, options, output: path("parts")) == 130)
        // As a crash leaves them that comes before the new log has the old one's name.
        let log = path("parts.training.log")
        try FileManager.default.moveItem(atPath: log, toPath: log + ".next")
        try Data(#"{"step": 0, "log": {"epochs": [], "losses": []}}"#.utf8).write(to: URL(filePath: log))
        let rest = try await train(pairs, options + ["--resume", "--output", path("parts")])
        #expect(rest.code == 0, "\(rest.err)")
        for file in ["model.safetensors", "heads/lstm.safetensors", "training.jsonl"] {
            let (a, b) = (URL(filePath: path("whole/\(file)")), URL(filePath: path("parts/\(file)")))
            #expect(try Data(contentsOf: a) == Data(contentsOf: b), "\(file)")
        }
    }

    @Test("a video that cannot be decoded is listed and left out; a loss that is no number ends it; nothing is written")
    func brokenInput() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let pairs = try await clips("pairs", seed: 37, count: 9)
        try Data("no video".utf8).write(to: URL(filePath: path("pairs/clip-000004.mp4")))
        for learn in ["text", "all"] {
            let trained = try await train(
                pairs,
                [
                    "--head", "mean", "--learn", learn, "--frozen-layers", "-1", "--epochs", "1", "--output",
                    path("model-\(learn)"),
                ])
            #expect(trained.code == 0 && trained.err.contains("missing:"), "\(trained.err)")
            #expect(trained.err.contains("clip-000004.mp4") && trained.err.contains("1 videos are missing"))
        }
        let before = try FileManager.default.contentsOfDirectory(atPath: path("model-all")).sorted()
        let broken = try await train(
            pairs,
            [
                "--head", "mean", "--learn", "all", "--frozen-layers", "-1", "--tower-factor", "1e38", "--epochs", "9",
                "--force", "--output", path("model-all"),
            ])
        #expect(broken.code == 65, "\(broken.code)")
        #expect(broken.err.contains("training stops"), "\(broken.err)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path("model-all")).sorted() == before)
    }

    @Test("a full disk is one sentence, and the model that was there is left as it was", arguments: [1, 4])
    func fullDisk(_ megabytes: Int) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let pairs = try await clips("pairs", seed: 38, count: 8)
        let disk = path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        // With 1 MB the state of the training finds no room, with 4 MB the model does not.
        let script = """
            disk=$1; size=$2; shift 2
            mkdir $disk/model && echo old > $disk/model/watchword.json
            "$@"; code=$?
            echo "old: $(cat $disk/model/watchword.json), $(ls -A $disk/model | wc -l) file"
            exit $code
            """
        let program = [
            Fixtures.plugins + "/watchword", "train", "--manifest", pairs, "--batch", "8", "--cache", path("cache"),
            "--threads", "1", "--head", "lstm", "--fresh", "--epochs", "2", "--force", "--output", disk + "/model",
        ]
        let begin = """
            if unshare -rm mount -t tmpfs -o size=$3m disk "$2" 2>/dev/null; then
                exec unshare -rm bash -c 'mount -t tmpfs -o size=$2m disk "$1" && exec bash -c "$0" bash "$@"' "$1" "${@:2}"
            else ulimit -f $(($3 * 1024)); exec bash -c "$1" bash "${@:2}"; fi
            """
        let arguments = ["-c", begin, "bash", script, disk, "\(megabytes)"] + program
        let ended = try await blocking {
            let process = Process()
            let (out, err) = (Pipe(), Pipe())
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment.merging([
                "WATCHWORD_PIPELINES": Fixtures.repository.appending(path: "Pipelines").path,
                "WATCHWORD_MODEL": Fixtures.shapes.path,
            ]) { $1 }
            (process.standardOutput, process.standardError) = (out, err)
            try process.run()
            // Both are short: neither fills its pipe.
            let said = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            let complaint = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return (code: process.terminationStatus, out: said, err: complaint)
        }
        #expect(ended.code == 73, "\(ended.code) \(ended.err)")
        #expect(ended.out.contains("old: old, 1 file"), "\(ended.out)")
        let lines = ended.err.split(whereSeparator: \.isNewline).filter { $0.contains("disk") }
        #expect(lines.count == 1, "\(ended.err)")
    }

    @Test("towers and heads are trained from nothing on the world, and go on to the same files when interrupted")
    func fromNothing() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let like = Fixtures.shapes.path
        // A line is logged, and can be gone on from, every 50 steps.
        let common = ["--batch", "4", "--learning-rate", "1e-3", "--threads", "1"]
        let towers = ["train", "towers", "--like", like, "--steps", "60"] + common
        let whole = try await run("watchword", towers + ["--output", path("whole"), "--json"])
        #expect(whole.code == 0, "\(whole.err)")
        let losses = try whole.out.split(separator: "\n").map { line -> Double in
            guard case .number(let loss)? = try WireCoding.decode(JSONValue.self, Data(line.utf8))["loss"] else {
                return .nan
            }
            return loss
        }
        #expect(losses.count == 2 && losses[1] < losses[0], "\(losses)")
        #expect(!FileManager.default.fileExists(atPath: path("whole/heads")))
        // Interrupted, it comes to the same.
        #expect(try await interrupted(towers, output: path("parts")) == 130)
        let rest = try await run("watchword", towers + ["--resume", "--output", path("parts")])
        #expect(rest.code == 0, "\(rest.err)")
        for file in ["model.safetensors", "training.jsonl"] {
            let (a, b) = (URL(filePath: path("whole/\(file)")), URL(filePath: path("parts/\(file)")))
            #expect(try Data(contentsOf: a) == Data(contentsOf: b), "\(file)")
        }
        let heads =
            ["train", "heads", "--model", path("whole"), "--steps", "30", "--runs", "20", "--work", path("work")]
            + common
        let made = try await run("watchword", heads + ["--output", path("model")])
        #expect(made.code == 0, "\(made.err)")
        let names = try FileManager.default.contentsOfDirectory(atPath: path("model/heads")).sorted()
        #expect(names == ["lstm.safetensors", "tight.safetensors", "transformer.safetensors"])
        let json = try Data(contentsOf: URL(filePath: path("model/watchword.json")))
        let defaults = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        for key in ["thresholds", "quiet_thresholds"] {
            let chosen = defaults[key] as? [String: Double]
            #expect(chosen?.keys.sorted() == ["lstm", "mean", "tight", "transformer"])
        }
        // Nothing of what only helped to train is in it.
        let old = try SafetensorsFile(path: like + "/model.safetensors")
        let new = try SafetensorsFile(path: path("model/model.safetensors"))
        #expect(Set(new.tensors.keys) == Set(old.tensors.keys))
        #expect(try new.floats("visual_projection.weight") != old.floats("visual_projection.weight"))
        let pairs = try await clips("pairs", seed: 39, count: 4)
        let measured = try await run(
            "watchword",
            ["eval", "--model", path("model"), "--manifest", pairs, "--head"] + names.map { String($0.dropLast(12)) })
        #expect(measured.code == 0 && measured.out.contains("transformer"), "\(measured.err)")
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
