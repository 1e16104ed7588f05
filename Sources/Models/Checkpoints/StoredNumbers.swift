/// Converts `count` stored numbers of type `type` to float32: f16 and bf16 exactly, f64 and integers rounded.
///
/// `bytes` holds at least `count` little-endian elements; it needs no alignment.
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

/// Converts the bits of a float16 to float32; exact for every value, subnormals and infinities included.
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
