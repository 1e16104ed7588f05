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

    /// Returns the known parameter sets of a stream with those of its next keyframe put in.
    ///
    /// A picture's set (PPS) replaces the known one of its number, since cameras may send different ones in turn. If
    /// the others (SPS, VPS) differ from the known ones, or if all would be too many, only the new sets are returned.
    package static func merged(_ known: [UInt8], with new: [UInt8], _ codec: VideoCodec) -> [UInt8] {
        guard !new.isEmpty else { return known }
        let (old, fresh) = (Parts(known, codec), Parts(new, codec))
        guard fresh.sequence.isEmpty || fresh.sequence == old.sequence else { return new }
        let pictures = old.pictures.merging(fresh.pictures) { $1 }
        let all = old.sequence + pictures.sorted { $0.key < $1.key }.flatMap(\.value)
        return all.count <= most ? all : new
    }

    /// Returns the sets that are no picture's (SPS, VPS), of sets with start codes of 4 bytes.
    static func sequence(_ sets: [UInt8], _ codec: VideoCodec) -> [UInt8] { Parts(sets, codec).sequence }

    /// The sets of a stream with their start codes: those of the sequence in their order, a picture's by its number.
    private struct Parts {
        var sequence: [UInt8] = []
        var pictures: [UInt32: [UInt8]] = [:]

        init(_ sets: [UInt8], _ codec: VideoCodec) {
            var start = ParameterSets.nextPart(sets, from: 0, sets.count)
            while let part = start, part < sets.count {
                start = ParameterSets.nextPart(sets, from: part, sets.count)
                let end = start.map { max(part, $0 - 4) } ?? sets.count
                let set: [UInt8] = [0, 0, 0, 1] + sets[part..<end]
                let isPicture = codec == .h264 ? sets[part] & 31 == 8 : sets[part] >> 1 & 63 == 34
                if isPicture {
                    pictures[ParameterSets.number(set.dropFirst(codec == .h264 ? 5 : 6))] = set
                } else {
                    sequence += set
                }
            }
        }
    }

    /// Returns the number with which a picture's set begins (Exp-Golomb); that of a damaged set is 0.
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        let four: [UInt8] = Array(bytes.prefix(4)) + [0, 0, 0, 0]
        let word = four.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        // Numbers are at most 255.
        let zeros = word.leadingZeroBitCount
        return zeros <= 8 ? ((word << zeros) >> (31 - zeros)) - 1 : 0
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
