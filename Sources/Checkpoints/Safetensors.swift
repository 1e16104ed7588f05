import Foundation

/// A safetensors file: an 8-byte header length, a JSON header, then the tensors' bytes.
///
/// The header is untrusted: every offset is checked against the file and the shape before a byte is read.
package struct SafetensorsFile: TensorSource, Sendable {
    package let tensors: [String: TensorInfo]
    package let metadata: [String: String]
    package var origin: String { file.path }
    private let file: MappedFile
    private let ranges: [String: Range<Int>]

    /// The format's own limit on the header (100 MB).
    private static let headerLimit = 100_000_000

    package init(path: String) throws(CheckpointError) {
        let file = try MappedFile(path: path)
        guard file.count >= 8 else { throw CheckpointError(path, .truncated("no room for the header length")) }
        let length = file.withBytes(0..<8) { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= UInt64(Self.headerLimit) else {
            throw CheckpointError(path, .malformed("the header claims \(length) bytes, more than \(Self.headerLimit)"))
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
        var tensors: [String: TensorInfo] = [:]
        var ranges: [String: Range<Int>] = [:]
        for (name, value) in header where name != "__metadata__" {
            guard let entry = value as? [String: Any], let typeName = entry["dtype"] as? String,
                let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int],
                offsets.count == 2
            else { throw CheckpointError(path, .malformed("tensor \"\(name)\" has no dtype, shape and data_offsets")) }
            guard let type = ElementType(rawValue: typeName) else {
                throw CheckpointError(path, .unsupported("element type \(typeName) of tensor \"\(name)\""))
            }
            var bytes = type.size
            for size in shape {
                let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
                guard size >= 0, !overflow else {
                    throw CheckpointError(path, .malformed("tensor \"\(name)\" has the impossible shape \(shape)"))
                }
                bytes = product
            }
            guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= file.count - start else {
                throw CheckpointError(
                    path,
                    .truncated(
                        "tensor \"\(name)\" claims bytes \(offsets[0])..<\(offsets[1]) of \(file.count - start)"))
            }
            guard offsets[1] - offsets[0] == bytes else {
                throw CheckpointError(
                    path,
                    .malformed(
                        "tensor \"\(name)\" of shape \(shape) needs \(bytes) bytes, has \(offsets[1] - offsets[0])"))
            }
            tensors[name] = TensorInfo(name: name, type: type, shape: shape)
            ranges[name] = (start + offsets[0])..<(start + offsets[1])
        }
        self.file = file
        self.tensors = tensors
        self.ranges = ranges
        metadata = header["__metadata__"] as? [String: String] ?? [:]
    }

    /// Size of the whole file in bytes.
    package var fileSize: Int { file.count }

    func sample(every step: Int, _ body: (UInt8) -> Void) {
        // A page here and there brings its neighbours: given back as we go, or the whole file would count as ours.
        let run = step * 4096
        for start in stride(from: 0, to: file.count, by: run) {
            file.withBytes(start..<min(start + run, file.count)) { bytes in
                for offset in stride(from: 0, to: bytes.count, by: step) { body(bytes[offset]) }
            }
            file.forget()
        }
    }

    /// Gives back the memory of what was read.
    package func forget() { file.forget() }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard let info = tensors[name], let range = ranges[name] else {
            throw CheckpointError(origin, .missingTensor(name))
        }
        return file.withBytes(range) { widen($0, info.type, info.count) }
    }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        guard let info = tensors[name], let range = ranges[name] else {
            throw CheckpointError(origin, .missingTensor(name))
        }
        guard elements.lowerBound >= 0, elements.upperBound <= info.count else {
            throw CheckpointError(origin, .truncated("tensor \"\(name)\" has \(info.count) numbers"))
        }
        let first = range.lowerBound + elements.lowerBound * info.type.size
        return file.withBytes(first..<first + elements.count * info.type.size) {
            widen($0, info.type, elements.count)
        }
    }

    /// The tensor's numbers as 64-bit integers; only for integer types.
    package func integers(_ name: String) throws(CheckpointError) -> [Int] {
        guard let info = tensors[name], let range = ranges[name] else {
            throw CheckpointError(origin, .missingTensor(name))
        }
        return try file.withBytes(range) { (bytes) throws(CheckpointError) -> [Int] in
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
            default: throw CheckpointError(origin, .malformed("tensor \"\(name)\" does not hold integers"))
            }
        }
    }
}

/// Widens stored numbers to float32.
///
/// `bytes` holds at least `count` elements of `type`, little-endian, unaligned.
func widen(_ bytes: UnsafeRawBufferPointer, _ type: ElementType, _ count: Int) -> [Float] {
    func each<T>(_: T.Type, _ convert: (T) -> Float) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { out, filled in
            for i in 0..<count {
                out[i] = convert(bytes.loadUnaligned(fromByteOffset: i * MemoryLayout<T>.size, as: T.self))
            }
            filled = count
        }
    }
    return switch type {
    case .float32: each(UInt32.self) { Float(bitPattern: UInt32(littleEndian: $0)) }
    case .float16: each(UInt16.self) { widenHalf(UInt16(littleEndian: $0)) }
    case .bfloat16: each(UInt16.self) { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) }
    case .float64: each(UInt64.self) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
    case .int64: each(Int64.self) { Float(Int64(littleEndian: $0)) }
    case .int32: each(Int32.self) { Float(Int32(littleEndian: $0)) }
    case .int16: each(Int16.self) { Float(Int16(littleEndian: $0)) }
    case .int8: each(Int8.self) { Float($0) }
    case .uint8, .bool: each(UInt8.self) { Float($0) }
    }
}

/// IEEE half precision to single, exactly, subnormals and infinities included.
func widenHalf(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch (exponent, fraction) {
    case (0, _): return (sign == 0 ? 1 : -1) * Float(fraction) * 0x1p-24
    case (31, _): return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}

extension SafetensorsFile {
    /// Eight hexadecimal digits of FNV-1a over the file's size, its header and a sample of its bytes: tells models
    /// apart without reading gigabytes.
    ///
    /// Not a checksum.
    package var headerHash: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        withUnsafeBytes(of: UInt64(fileSize).littleEndian) { $0.forEach(mix) }
        let step = max(1, fileSize / 65536)
        sample(every: step, mix)
        return String(UInt32(truncatingIfNeeded: hash ^ hash >> 32), radix: 16).leftPadded(to: 8)
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String { String(repeating: "0", count: max(0, width - count)) + self }
}
