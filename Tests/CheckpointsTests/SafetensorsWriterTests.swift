import Checkpoints
import Foundation
import SystemSupport
import TestSupport
import Testing

@Suite("Written safetensors files")
struct SafetensorsWriterTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "writer-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Writes a file of one tensor with the given bytes, and returns the bytes of the tensor after rewriting.
    private func rewritten(_ type: String, _ bytes: [UInt8], size: Int) throws -> [UInt8] {
        let header = #"{"t":{"dtype":"\#(type)","shape":[\#(bytes.count / size)],"data_offsets":[0,\#(bytes.count)]}}"#
        var data = Data()
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { data.append(contentsOf: $0) }
        let source = folder.appending(path: "source-\(UUID())")
        try (data + Data(header.utf8) + Data(bytes)).write(to: source)
        let copy = folder.appending(path: "copy-\(UUID())").path
        try SafetensorsWriter.write(SafetensorsFile(path: source.path), names: ["t"], to: copy)
        return Array(try Data(contentsOf: URL(filePath: copy)).suffix(bytes.count))
    }

    @Test("every f16 and bf16 there is keeps its bits, as do f32, NaN payloads included", arguments: ["F16", "BF16"])
    func halves(_ type: String) throws {
        let all = (0...UInt16.max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        #expect(try rewritten(type, all, size: 2) == all)
        // The same bytes as singles: subnormals, infinities and NaNs among them.
        #expect(try rewritten("F32", all, size: 4) == all)
    }

    @Test("small integers are exact; what would or might be rounded is refused")
    func integers() throws {
        #expect(try rewritten("I8", [0x80, 0xFF, 0, 0x7F], size: 1) == [0x80, 0xFF, 0, 0x7F])
        #expect(try rewritten("I64", [255, 255, 255, 0, 0, 0, 0, 0], size: 8) == [255, 255, 255, 0, 0, 0, 0, 0])
        #expect(throws: CheckpointError.self) { try rewritten("I64", [1, 0, 0, 1, 0, 0, 0, 0], size: 8) }
        #expect(throws: CheckpointError.self) { try rewritten("F64", [UInt8](repeating: 0, count: 8), size: 8) }
    }

    @Test("tensors lie at multiples of their element's size, after a header padded to 8")
    func layout() throws {
        let source = try Fixtures.safetensors(
            Fixtures.reference.appending(path: "cases/seqTransf_3d/model.safetensors"))
        let path = folder.appending(path: "model.safetensors").path
        try SafetensorsWriter.write(source, names: source.tensors.keys, to: path)
        let data = try Data(contentsOf: URL(filePath: path))
        let length = data.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
        #expect(length % 8 == 0)
        let header = try #require(
            try JSONSerialization.jsonObject(with: data.dropFirst(8).prefix(length)) as? [String: [String: Any]])
        #expect(header["__metadata__"] as? [String: String] == ["format": "pt"])
        for (name, info) in source.tensors {
            let offsets = try #require(header[name]?["data_offsets"] as? [Int])
            #expect(offsets[0] % info.type.size == 0, "\(name)")
        }
        let copy = try SafetensorsFile(path: path)
        #expect(copy.tensors == source.tensors)
        #expect(throws: WriteError.self) {
            try SafetensorsWriter.write(source, names: ["a"].filter { _ in false }, to: path)
        }
    }
}

@Suite("Directories that appear whole")
struct StagedDirectoryTests {
    private let folder: URL
    private var model: URL { folder.appending(path: "model") }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "staged-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func create(_ text: String, replacing: Bool = false) throws {
        try StagedDirectory.create(model, replacing: replacing) { staged in
            try StagedDirectory.makeDirectory(staged.appending(path: "heads"))
            try Data(text.utf8).write(to: staged.appending(path: "config.json"))
        }
    }

    private var text: String? { try? String(contentsOf: model.appending(path: "config.json"), encoding: .utf8) }
    private var entries: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] }

    @Test("a new place, an empty directory, and a model to be replaced")
    func places() throws {
        try create("one")
        #expect(text == "one" && entries == ["model"])
        #expect(throws: WriteError.self) { try create("two") }
        #expect(text == "one")
        try create("two", replacing: true)
        #expect(text == "two" && entries == ["model"])
        try FileManager.default.removeItem(at: model)
        try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
        try create("three")
        #expect(text == "three" && entries == ["model"])
    }

    @Test("a failure leaves nothing behind, and what was there as it was")
    func failure() throws {
        struct Full: Error {}
        #expect(throws: Full.self) { try StagedDirectory.create(model, replacing: false) { _ in throw Full() } }
        let deep = folder.appending(path: "a/b/model")
        #expect(throws: Full.self) { try StagedDirectory.create(deep, replacing: false) { _ in throw Full() } }
        #expect(entries == [])
        try create("one")
        #expect(throws: Full.self) { try StagedDirectory.create(model, replacing: true) { _ in throw Full() } }
        #expect(text == "one" && entries == ["model"])
    }

    @Test("what is no model is not replaced, whatever is asked")
    func noModel() throws {
        try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
        try Data("dear diary".utf8).write(to: model.appending(path: "diary.txt"))
        #expect { try create("one", replacing: true) } throws: { "\($0)".contains("not a model") }
        #expect(FileManager.default.fileExists(atPath: model.appending(path: "diary.txt").path))
        let file = folder.appending(path: "file")
        try Data().write(to: file)
        #expect(throws: WriteError.self) { try StagedDirectory.create(file, replacing: true) { _ in } }
    }
}
