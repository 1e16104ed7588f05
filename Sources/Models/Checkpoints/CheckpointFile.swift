import SystemSupport

/// A model checkpoint on disk: named tensors in one file, or in several files (shards) with an index.
package protocol CheckpointFile: TensorSource, Sendable {
    /// The total size of the checkpoint's files in bytes; a shard index is not counted.
    var fileSize: Int { get }
    /// The paths of the checkpoint's files; of a sharded checkpoint, the index and then its shards by name.
    var paths: [String] { get }
    /// The tensors whose element type is not supported: tensor name to type name.
    ///
    /// `tensors` does not contain them, so reading one fails as if it were missing.
    var unreadable: [String: String] { get }
    /// A fingerprint of the checkpoint: eight hexadecimal digits of FNV-1a.
    ///
    /// It covers the file sizes and a sample of the bytes, so that models can be told apart without reading gigabytes.
    /// It is not a checksum.
    var sampleHash: String { get }
    /// Calls `body` with the elements of the tensor `name`, row-major and little-endian.
    ///
    /// The buffer is valid only until `body` returns.
    func withBytes<R>(of name: String, _ body: (UnsafeRawBufferPointer) -> R) throws(CheckpointError) -> R
    /// Lets the system reclaim the memory of file pages that were read; later reads load them again.
    func releaseMemory()
}

/// A checkpoint that consists of a single file.
package protocol SingleFile: CheckpointFile {
    var file: MappedFile { get }
}

/// Opens a checkpoint; the file name selects the format.
///
/// `.safetensors` is a safetensors file and `.index.json` an index of shards. Any other name is opened as a
/// `torch.save` file; those are usually named `.bin`, `.pt` or `.pth`.
package func openCheckpoint(path: String) throws(CheckpointError) -> any CheckpointFile {
    if path.hasSuffix(".index.json") { return try ShardedFile(index: path) }
    let file = try MappedFile(path: path)
    if let problem = FileKind.problem(file) { throw CheckpointError(path, .malformed(problem)) }
    if path.hasSuffix(".safetensors") { return try SafetensorsFile(file) }
    return try PyTorchFile(file)
}

extension SingleFile {
    package var origin: String { file.path }
    package var fileSize: Int { file.count }
    package var paths: [String] { [file.path] }
    package var unreadable: [String: String] { [:] }
    package func releaseMemory() { file.releaseMemory() }

    package var sampleHash: String {
        var hash = FNV1a()
        withUnsafeBytes(of: UInt64(fileSize).littleEndian) { $0.forEach { hash.mix($0) } }
        // Reading a page also loads its neighbours: release as we go, or the whole file would count as our memory.
        let step = max(1, file.count / 65536)
        for start in stride(from: 0, to: file.count, by: step * 4096) {
            file.withBytes(start..<min(start + step * 4096, file.count)) { bytes in
                for offset in stride(from: 0, to: bytes.count, by: step) { hash.mix(bytes[offset]) }
            }
            file.releaseMemory()
        }
        return hash.digits
    }
}

extension CheckpointFile {
    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard let info = tensors[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        // Release large tensors as we go, or the model would be in memory twice when its last layer is read.
        defer { if info.count >= 1 << 18 { releaseMemory() } }
        return try withBytes(of: name) { widen($0, info.type, info.count) }
    }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        guard let info = tensors[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        guard elements.lowerBound >= 0, elements.upperBound <= info.count else {
            throw CheckpointError(origin, .truncated("tensor \"\(name)\" has \(info.count) numbers"))
        }
        return try withBytes(of: name) { bytes in
            let (first, size) = (elements.lowerBound * info.type.size, elements.count * info.type.size)
            return widen(UnsafeRawBufferPointer(rebasing: bytes[first..<first + size]), info.type, elements.count)
        }
    }

    /// Returns the numbers of a tensor as integers; throws unless its element type is an integer type or bool.
    package func integers(_ name: String) throws(CheckpointError) -> [Int] {
        guard let info = tensors[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        let found = try withBytes(of: name) { (bytes) -> [Int]? in
            func read<T: FixedWidthInteger>(_: T.Type) -> [Int] {
                (0..<info.count).map {
                    Int(T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self)))
                }
            }
            return switch info.type {
            case .int64: read(Int64.self)
            case .int32: read(Int32.self)
            case .int16: read(Int16.self)
            case .int8: read(Int8.self)
            case .uint8, .bool: read(UInt8.self)
            default: nil
            }
        }
        guard let found else {
            throw CheckpointError(origin, .malformed("tensor \"\(name)\" does not hold integers"))
        }
        return found
    }
}
