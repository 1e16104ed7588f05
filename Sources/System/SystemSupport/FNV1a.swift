/// The 64-bit hash FNV-1a: quick, the same on every machine, but not collision-resistant.
package struct FNV1a {
    package private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    /// Computes the hash of `bytes`.
    package init(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { mix(byte) }
    }

    /// Adds the next byte to the hash.
    package mutating func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }

    /// The two 32-bit halves of the hash combined by exclusive or, as eight hexadecimal digits.
    package var digits: String {
        let digits = String(UInt32(truncatingIfNeeded: hash ^ hash >> 32), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
