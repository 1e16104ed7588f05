import Foundation
import SystemSupport

/// Writes safetensors files; only one tensor at a time is in memory.
///
/// Like the reference library, it sorts tensors by element size, largest first, then by name. Each tensor then starts
/// at a multiple of its element size. The header is padded with spaces to a multiple of 8 bytes.
package enum SafetensorsWriter {
    /// Writes the tensors `names` of `source` to the file `path`, each with its original element type.
    ///
    /// Throws if float32 cannot represent a number of the source exactly. All of f64 and integers from 2²⁴ on fail.
    package static func write(
        _ source: some TensorSource, names: some Sequence<String>, metadata: [String: String] = ["format": "pt"],
        to path: String
    ) throws {
        var tensors: [TensorInfo] = []
        for name in names {
            guard let info = source.tensors[name] else { throw CheckpointError(source.origin, .missingTensor(name)) }
            tensors.append(info)
        }
        tensors.sort { ($1.type.size, $0.name) < ($0.type.size, $1.name) }
        let file = try OutputFile(path: path)
        try file.write(header(tensors, metadata: metadata))
        for info in tensors {
            guard let bytes = storedBytes(try source.floats(info.name), as: info.type) else {
                throw CheckpointError(
                    source.origin, .unsupported("writing tensor \"\(info.name)\" of type \(info.type.rawValue) exactly")
                )
            }
            try file.write(bytes)
        }
        try file.finish()
    }

    /// Returns the start of a safetensors file: the length of the JSON header, little-endian, and the header.
    private static func header(_ tensors: [TensorInfo], metadata: [String: String]) throws -> [UInt8] {
        var entries: [String: Any] = ["__metadata__": metadata]
        var offset = 0
        for info in tensors {
            let end = offset + info.count * info.type.size
            entries[info.name] = ["dtype": info.type.rawValue, "shape": info.shape, "data_offsets": [offset, end]]
            offset = end
        }
        var json = [UInt8](
            try JSONSerialization.data(withJSONObject: entries, options: [.sortedKeys, .withoutEscapingSlashes]))
        json += [UInt8](repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { [UInt8]($0) } + json
    }
}

/// Encodes float32 numbers as `type`, little-endian; the inverse of `widen`.
///
/// Returns nil if a number cannot be stored exactly, or if `widen` may have rounded it.
func storedBytes(_ values: [Float], as type: ElementType) -> [UInt8]? {
    func each<T: FixedWidthInteger>(_ convert: (Float) -> T?) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: values.count * MemoryLayout<T>.size)
        let isExact = out.withUnsafeMutableBytes { bytes in
            for (i, value) in values.enumerated() {
                guard let stored = convert(value) else { return false }
                bytes.storeBytes(of: stored.littleEndian, toByteOffset: i * MemoryLayout<T>.size, as: T.self)
            }
            return true
        }
        return isExact ? out : nil
    }
    // A float32 holds every integer below 2²⁴ exactly; a larger one may have been rounded.
    func integer<T: FixedWidthInteger>(_: T.Type) -> [UInt8]? { each { abs($0) < 0x1p24 ? T(exactly: $0) : nil } }
    return switch type {
    case .float32: each { $0.bitPattern }
    case .float16: each(narrowHalf)
    case .bfloat16: each { $0.bitPattern & 0xFFFF == 0 ? UInt16($0.bitPattern >> 16) : nil }
    case .float64: nil
    case .int64: integer(Int64.self)
    case .int32: integer(Int32.self)
    case .int16: integer(Int16.self)
    case .int8: integer(Int8.self)
    case .uint8, .bool: integer(UInt8.self)
    }
}

/// Converts a float32 to the bits of a float16, the inverse of `widenHalf`; nil if float16 cannot hold the value.
func narrowHalf(_ value: Float) -> UInt16? {
    let bits = value.bitPattern
    let sign = UInt16(bits >> 16 & 0x8000)
    let (exponent, fraction) = (bits >> 23 & 0xFF, bits & 0x7F_FFFF)
    switch exponent {
    case 0 where fraction == 0: return sign
    case 255 where fraction & 0x1FFF == 0: return sign | 0x7C00 | UInt16(fraction >> 13)
    case 113...142 where fraction & 0x1FFF == 0: return sign | UInt16(exponent - 112) << 10 | UInt16(fraction >> 13)
    default:
        guard let subnormal = UInt16(exactly: value.magnitude * 0x1p24), subnormal < 1024 else { return nil }
        return sign | subnormal
    }
}
