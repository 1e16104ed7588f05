/// The syntax of a video codec's NAL units, as far as their first bytes show it.
///
/// This target imports no other, so it does not use `VideoCodec`, which names the codecs that can be recorded.
package enum NALSyntax: Sendable {
    case h264, h265

    /// The number of bytes of a NAL unit's header.
    var headerLength: Int { self == .h264 ? 1 : 2 }

    func kind(_ first: UInt8) -> UInt8 { self == .h264 ? first & 0x1F : first >> 1 & 0x3F }

    func isPicture(_ kind: UInt8) -> Bool { self == .h264 ? (1...5).contains(kind) : kind < 32 }

    /// Returns true for the NAL unit types of parameter sets (VPS, SPS, PPS), without which no picture can be decoded.
    func isParameters(_ kind: UInt8) -> Bool { self == .h264 ? kind == 7 || kind == 8 : (32...34).contains(kind) }

    /// Returns true for the NAL unit type of the sequence parameter set (SPS).
    func isSequenceParameters(_ kind: UInt8) -> Bool { kind == (self == .h264 ? 7 : 33) }

    /// Returns true if a slice is the first of its picture; `holds` is the NAL unit after its header.
    func beginsPicture(_ holds: ArraySlice<UInt8>) -> Bool { holds.first.map { $0 & 0x80 != 0 } ?? false }

    /// Returns true if a picture can be decoded without others, by its NAL unit type and slice type.
    ///
    /// It agrees with GStreamer's parsers. A picture wrongly taken for a keyframe does no harm: it is only not dropped.
    func isKey(_ kind: UInt8, _ holds: ArraySlice<UInt8>) -> Bool {
        var bits = BitReader(holds)
        switch self {
        case .h264:
            if kind == 5 { return true }
            guard kind == 1 || kind == 2, bits.number() != nil, let type = bits.number() else { return false }
            return type % 5 == 2 || type % 5 == 4
        case .h265:
            if (16...23).contains(kind) { return true }
            guard bits.bit() == 1, bits.number() != nil else { return false }
            return bits.number() == 2
        }
    }

    /// Returns true if an SEI NAL unit has a recovery point, where decoding can begin without a keyframe.
    func isRecoveryPoint(_ kind: UInt8, _ holds: ArraySlice<UInt8>) -> Bool {
        guard kind == (self == .h264 ? 6 : 39) else { return false }
        var rest = holds.prefix(4096)
        while rest.count > 2 {
            guard let type = Self.sum(&rest), let size = Self.sum(&rest) else { return false }
            if type == 6 { return true }
            rest = rest.dropFirst(size)
        }
        return false
    }

    /// Reads an SEI type or size: any number of bytes 255 and one smaller byte, added up; nil if the bytes end first.
    private static func sum(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        var total = 0
        while let next = bytes.popFirst() {
            total += Int(next)
            if next < 255 { return total }
        }
        return nil
    }
}

/// Reads single bits and Exp-Golomb numbers from the first 16 bytes of a NAL unit.
struct BitReader {
    private let bytes: ArraySlice<UInt8>
    private var at = 0

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes.prefix(16) }

    mutating func bit() -> Int? {
        guard at / 8 < bytes.count else { return nil }
        defer { at += 1 }
        return Int(bytes[bytes.startIndex + at / 8] >> (7 - UInt8(at % 8)) & 1)
    }

    /// Reads an unsigned Exp-Golomb number; nil if the bytes end within it or it has 32 or more leading zeros.
    mutating func number() -> Int? {
        var zeros = 0
        while true {
            guard let next = bit() else { return nil }
            if next == 1 { break }
            zeros += 1
            guard zeros < 32 else { return nil }
        }
        var rest = 0
        for _ in 0..<zeros {
            guard let next = bit() else { return nil }
            rest = rest << 1 | next
        }
        return (1 << zeros) - 1 + rest
    }
}
