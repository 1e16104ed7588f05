/// A file of named tensors: safetensors or what PyTorch saves.
package protocol CheckpointFile: TensorSource, Sendable {
    var file: MappedFile { get }
    /// Lends a tensor's elements, row-major and little-endian, for the length of the call.
    func withBytes<R>(of name: String, _ body: (UnsafeRawBufferPointer) -> R) throws(CheckpointError) -> R
}

/// Opens a checkpoint by its name: `.safetensors`, or else what `torch.save` writes (`.bin`, `.pt`, `.pth`).
package func openCheckpoint(path: String) throws(CheckpointError) -> any CheckpointFile {
    if path.hasSuffix(".safetensors") { return try SafetensorsFile(path: path) }
    return try PyTorchFile(path: path)
}

extension CheckpointFile {
    package var origin: String { file.path }

    /// Size of the whole file in bytes.
    package var fileSize: Int { file.count }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard let info = tensors[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        // Large ones are given back as we go, or a model would be in memory twice when its last layer is read.
        defer { if info.count >= 1 << 18 { file.forget() } }
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

    /// Gives back the memory of what was read.
    package func forget() { file.forget() }

    /// The tensor's numbers as 64-bit integers; only for integer types.
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

    /// Eight hexadecimal digits of FNV-1a over the file's size and a sample of its bytes: tells models apart without
    /// reading gigabytes.
    ///
    /// Not a checksum.
    package var headerHash: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        withUnsafeBytes(of: UInt64(fileSize).littleEndian) { $0.forEach(mix) }
        // A page here and there brings its neighbours: given back as we go, or the whole file would count as ours.
        let step = max(1, file.count / 65536)
        for start in stride(from: 0, to: file.count, by: step * 4096) {
            file.withBytes(start..<min(start + step * 4096, file.count)) { bytes in
                for offset in stride(from: 0, to: bytes.count, by: step) { mix(bytes[offset]) }
            }
            file.forget()
        }
        let digits = String(UInt32(truncatingIfNeeded: hash ^ hash >> 32), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
