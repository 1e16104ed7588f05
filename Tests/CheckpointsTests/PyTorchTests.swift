import Checkpoints
import Foundation
import TestSupport
import Testing

@Suite("Files that torch.save wrote")
struct PyTorchTests {
    /// Expects that both files have the same tensors, to the bit.
    private func expectEqual(_ bin: URL, _ safetensors: URL) throws {
        let found = try Fixtures.checkpoint(bin)
        let wanted = try Fixtures.safetensors(safetensors)
        #expect(found.tensors == wanted.tensors)
        for name in wanted.tensors.keys {
            let (a, b) = try (found.withBytes(of: name) { Data($0) }, wanted.withBytes(of: name) { Data($0) })
            #expect(a == b, "\(name)")
            #expect(try found.floats(name).map(\.bitPattern) == wanted.floats(name).map(\.bitPattern), "\(name)")
        }
    }

    @Test(
        "shared, offset, strided, repeated, empty and 0-dimensional tensors of all types are read exactly",
        arguments: ["odd_layouts.bin", "odd_layouts_legacy.bin"])
    func oddLayouts(_ name: String) throws {
        let folder = Fixtures.reference.appending(path: "loader")
        try expectEqual(folder.appending(path: name), folder.appending(path: "odd_layouts.safetensors"))
    }

    private static func folders() throws -> [URL] {
        try Fixtures.entries(of: Fixtures.reference.appending(path: "cases"))
    }

    @Test("official checkpoints hold what their safetensors twins hold", arguments: try folders())
    func official(_ folder: URL) throws {
        try expectEqual(folder.appending(path: "pytorch_model.bin"), folder.appending(path: "model.safetensors"))
    }

    @Test("zip64 records, padding, comments and any top directory are read")
    func containers() throws {
        let pickle = Pickled.stateDictionary([("a", Pickled.tensor(shape: [2], strides: [1]))])
        for zip64 in [false, true] {
            for top in ["archive", "ünïcode name", "x"] {
                let zip = ZipBytes(
                    [
                        .init("\(top)/data.pkl", pickle), .init("\(top)/byteorder", Data("little".utf8)),
                        .init("\(top)/data/0", floats([1, 2])),
                    ], padding: 13, zip64: zip64, comment: Data("a comment".utf8))
                #expect(try read(zip.bytes).floats("a") == [1, 2])
            }
        }
    }

    @Test("the state dict may lie under the keys that training code uses")
    func nested() throws {
        let inner = Pickled.stateDictionary([("a", Pickled.tensor(shape: [2], strides: [1]))]).dropFirst(2).dropLast()
        for key in ["state_dict", "model_state_dict", "model"] {
            let pickle = Pickled.program(
                [0x7D], Pickled.text("epoch"), [0x4B, 3, 0x73], Pickled.text(key), Array(inner), [0x73])
            #expect(try read(Pickled.archive(pickle, floats([1, 2]))).floats("a") == [1, 2])
        }
    }

    @Test("a parameter is the tensor it wraps, a view may repeat what is stored")
    func parameter() throws {
        let tensor = Pickled.tensor(shape: [2, 2], strides: [0, 1])
        let parameter =
            Pickled.global("torch._utils", "_rebuild_parameter") + [0x28] + tensor + [0x88]
            + Pickled.global("collections", "OrderedDict") + [0x29, 0x52, 0x74, 0x52]
        let file = try read(Pickled.archive(Pickled.stateDictionary([("p", parameter)]), floats([1, 2])))
        #expect(try file.floats("p") == [1, 2, 1, 2])
    }

    /// Reads bytes in memory; their name appears in messages.
    private func read(_ bytes: Data) throws -> PyTorchFile {
        try PyTorchFile(bytes.withUnsafeBytes { MappedFile(bytes: $0, name: "memory.bin") })
    }

    private func floats(_ values: [Float]) -> Data { values.withUnsafeBytes { Data($0) } }
}
