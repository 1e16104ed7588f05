import Checkpoints
import Foundation
import TestSupport
import Testing

@Suite("Safetensors files")
struct SafetensorsTests {
    private func file(_ header: String, _ data: [UInt8], claims: UInt64? = nil) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "t-\(UUID()).safetensors").path
        var bytes = Data()
        withUnsafeBytes(of: (claims ?? UInt64(header.utf8.count)).littleEndian) { bytes.append(contentsOf: $0) }
        bytes += Data(header.utf8) + Data(data)
        try bytes.write(to: URL(filePath: path))
        return path
    }

    @Test("reads f32, f16 and bf16 exactly")
    func types() throws {
        let header = #"""
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[4],"data_offsets":[4,12]},
             "c":{"dtype":"BF16","shape":[],"data_offsets":[12,14]}}
            """#
        let data: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0x3C, 1, 0, 0, 0xFC, 0, 0x80, 0x80, 0x3F]
        let tensors = try SafetensorsFile(path: file(header, data))
        #expect(try tensors.floats("a") == [1] && tensors.floats("c") == [1])
        #expect(try tensors.floats("b") == [1, 0x1p-24, -.infinity, 0])
        #expect(throws: CheckpointError.self) { try tensors.floats("a", shape: [2]) }
        #expect(throws: CheckpointError.self) { try tensors.floats("nobody") }
    }

    @Test(
        "a header that lies is refused",
        arguments: [
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,40]}}"#,
            #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
            #"{"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,4]}}"#,
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            #"{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#,
            #"{"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
            #"{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}}"#, #"{"a":3}"#, "[]", "{",
        ])
    func lies(_ header: String) throws {
        let path = try file(header, [UInt8](repeating: 0, count: 16))
        #expect { try SafetensorsFile(path: path) } throws: { "\($0)".contains(path) }
    }

    @Test("a file that is cut short, claims too much, or is not there is refused")
    func truncated() throws {
        let path = try file("{}", [], claims: 1 << 40)
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
        let long = try file("{}", [], claims: 100)
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: long) }
        try Data([1, 2]).write(to: URL(filePath: path))
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: "/no/such.safetensors") }
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: "/tmp") }
    }
}
