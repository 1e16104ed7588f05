import Foundation

/// A safetensors file: an 8-byte header length, a JSON header, then the bytes of the tensors.
///
/// The header is untrusted: every offset is checked against the file size and the tensor's shape.
package struct SafetensorsFile: SingleFile {
    package let tensors: [String: TensorInfo]
    package let metadata: [String: String]
    package let unreadable: [String: String]
    package let file: MappedFile
    private let ranges: [String: Range<Int>]

    /// The largest accepted JSON header in bytes; a CLIP model's header has about 0.1 MB.
    ///
    /// The safetensors format allows more, but parsed JSON takes several times its size in memory.
    private static let headerLimit = 16 << 20

    /// The safetensors element types that cannot be read; their tensors are listed in `unreadable`.
    private static let unreadTypes: Set = [
        "F4", "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "U16", "U32", "U64",
        "C64", "C128",
    ]

    package init(path: String) throws(CheckpointError) { try self.init(MappedFile(path: path)) }

    package init(_ file: MappedFile) throws(CheckpointError) {
        let path = file.path
        let (header, start) = try Self.header(of: file)
        var tensors: [String: TensorInfo] = [:]
        var ranges: [String: Range<Int>] = [:]
        var room = file.count - start
        var unreadable: [String: String] = [:]
        for (name, value) in header where name != "__metadata__" {
            let shown = quoted(name)
            guard let entry = value as? [String: Any], let typeName = entry["dtype"] as? String,
                let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int],
                offsets.count == 2
            else { throw CheckpointError(path, .malformed("tensor \(shown) has no dtype, shape and data_offsets")) }
            guard let type = ElementType(rawValue: typeName) else {
                guard Self.unreadTypes.contains(typeName) else {
                    throw CheckpointError(path, .unsupported("element type \(quoted(typeName)) of tensor \(shown)"))
                }
                // An unsupported type matters only if the tensor is needed.
                unreadable[name] = quoted(typeName)
                continue
            }
            guard shape.count <= TensorInfo.rankLimit, let count = TensorInfo.count(of: shape) else {
                throw CheckpointError(
                    path, .malformed("tensor \(shown) has the impossible shape \(shape.prefix(TensorInfo.rankLimit))"))
            }
            let bytes = count * type.size
            guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= file.count - start else {
                throw CheckpointError(
                    path,
                    .truncated(
                        "tensor \(shown) claims bytes \(offsets[0])..<\(offsets[1]) of \(file.count - start)"))
            }
            guard offsets[1] - offsets[0] == bytes else {
                throw CheckpointError(
                    path,
                    .malformed(
                        "tensor \(shown) of shape \(shape) needs \(bytes) bytes, has \(offsets[1] - offsets[0])"))
            }
            // The format forbids shared bytes; without this check, a small file could describe tensors of any size.
            room -= bytes
            guard room >= 0 else { throw CheckpointError(path, .malformed("its tensors share bytes")) }
            tensors[name] = TensorInfo(name: name, type: type, shape: shape)
            ranges[name] = (start + offsets[0])..<(start + offsets[1])
        }
        self.file = file
        self.tensors = tensors
        self.ranges = ranges
        self.unreadable = unreadable
        metadata = header["__metadata__"] as? [String: String] ?? [:]
    }

    /// Returns the parsed JSON header of `file`, and the offset of the first byte after it.
    private static func header(of file: MappedFile) throws(CheckpointError) -> (json: [String: Any], end: Int) {
        let path = file.path
        guard file.count >= 8 else { throw CheckpointError(path, .truncated("no room for the header length")) }
        let length = file.withBytes(0..<8) { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= UInt64(headerLimit) else {
            throw CheckpointError(path, .malformed("the header claims \(length) bytes, more than \(headerLimit)"))
        }
        let start = 8 + Int(length)
        guard start <= file.count else {
            throw CheckpointError(
                path, .truncated("the header claims \(length) bytes, the file has \(file.count - 8) after its length"))
        }
        let json = file.withBytes(8..<start) { Data($0) }
        guard let header = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any] else {
            throw CheckpointError(path, .malformed("the header is not a JSON object"))
        }
        return (header, start)
    }

    package func withBytes<R>(of name: String, _ body: (UnsafeRawBufferPointer) -> R) throws(CheckpointError) -> R {
        guard let range = ranges[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        return file.withBytes(range, body)
    }
}
