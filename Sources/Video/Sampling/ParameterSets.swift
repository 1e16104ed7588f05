/// Finds the parameter sets (VPS, SPS, PPS) in front of a coded picture in byte-stream format.
package enum ParameterSets {
    /// The most bytes of a coded picture that are searched: parameter sets stand before the picture, and are small.
    package static let most = 16_384

    /// Returns the parameter sets before the picture's first slice, each with a start code of 4 bytes; empty if none.
    package static func leading(_ unit: [UInt8], _ codec: VideoCodec) -> [UInt8] {
        var sets: [UInt8] = []
        let end = min(unit.count, most)
        var start = nextPart(unit, from: 0, end)
        while let part = start, part < end {
            let kind = kind(unit[part], codec)
            guard kind != .slice else { break }
            let next = nextPart(unit, from: part, end)
            if kind == .parameterSet, let next {
                var last = next - 3
                // The next start code may have one more zero, and a NAL unit may end in zeros.
                while last > part, unit[last - 1] == 0 { last -= 1 }
                sets += [0, 0, 0, 1] + unit[part..<last]
            }
            start = next
        }
        return sets
    }

    private enum Kind { case parameterSet, slice, other }

    private static func kind(_ header: UInt8, _ codec: VideoCodec) -> Kind {
        switch codec {
        case .h264:
            switch header & 31 {
            case 7, 8: .parameterSet
            case 1...5: .slice
            default: .other
            }
        case .h265:
            switch header >> 1 & 63 {
            case 32...34: .parameterSet
            case 0...31: .slice
            default: .other
            }
        }
    }

    /// Returns the index after the next start code; nil if there is none before `end`.
    private static func nextPart(_ bytes: [UInt8], from: Int, _ end: Int) -> Int? {
        var (index, zeros) = (from, 0)
        while index < end {
            let byte = bytes[index]
            if byte == 1, zeros >= 2 { return index + 1 }
            zeros = byte == 0 ? zeros + 1 : 0
            index += 1
        }
        return nil
    }
}
