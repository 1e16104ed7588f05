import Checkpoints
import Foundation
import TestSupport
import Testing

@Suite("Checkpoints in shards")
struct ShardedFileTests {
    /// Makes a folder with two shards and an index.
    private func folder(_ map: [String: String], name: String = "model.safetensors.index.json") throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "shards-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (file, tensors) in [("one", ["a", "b"]), ("two", ["c"])] {
            let weights = Dictionary(
                uniqueKeysWithValues: tensors.map {
                    ($0, HeadWeights(shape: [2], values: [Float($0.utf8.first ?? 0), 1]))
                })
            try SafetensorsWriter.write(
                MemoryTensors(weights, origin: file), names: weights.keys,
                to: folder.appending(path: "\(file).safetensors").path)
        }
        let index: [String: Any] = ["metadata": ["total_size": 24], "weight_map": map]
        try JSONSerialization.data(withJSONObject: index).write(to: folder.appending(path: name))
        return folder
    }

    private func open(_ folder: URL) throws -> any CheckpointFile {
        try openCheckpoint(path: folder.appending(path: "model.safetensors.index.json").path)
    }

    @Test("every tensor is read from the file that the index names")
    func read() throws {
        let folder = try folder(["a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"])
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try open(folder)
        #expect(Set(file.tensors.keys) == ["a", "b", "c"] && file.paths.count == 3)
        #expect(try file.floats("c") == [99, 1] && file.floats("b", elements: 0..<1) == [98])
        #expect(file.sampleHash.count == 8 && file.fileSize > 100)
    }

    @Test(
        "an index that names other files, or not the files' own tensors, is refused by name",
        arguments: [
            (["a": "../one.safetensors", "b": "one.safetensors", "c": "two.safetensors"], "../one.safetensors"),
            (["a": "/etc/one.safetensors"], "/etc/one.safetensors"), (["a": "one.sh"], "one.sh"),
            (["a": ".safetensors"], ".safetensors"), (["a": "three.safetensors"], "\"three.safetensors\" is missing"),
            (["a": "one.safetensors", "c": "two.safetensors"], "\"b\""),
            (["a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"], "\"b\""),
            (
                ["a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors", "d": "two.safetensors"],
                "\"d\" is not in"
            ), ([:], "weight_map"),
        ] as [([String: String], String)])
    func hostile(_ map: [String: String], _ expected: String) throws {
        let folder = try folder(map)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect { try open(folder) } throws: { "\($0)".contains(expected) }
    }
}
