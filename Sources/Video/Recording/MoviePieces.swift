/// Splits a fragmented MP4 movie, which comes in buffers, into its index and its pieces, for a player to read one by
/// one.
package struct MoviePieces: Sendable {
    package enum Part: Sendable, Equatable {
        /// The movie's index, which a player needs before all pieces.
        case index([UInt8])
        /// A fragment: some pictures with their index; `begins` is true if the first of them is a keyframe.
        case piece([UInt8], begins: Bool)
    }

    private var bytes: [UInt8] = []
    private var index: [UInt8]? = []
    /// The size in bytes of the piece that is being collected; nil until its pictures' box has begun.
    private var wanted: Int?
    private var begins = false

    package init() {}

    /// Adds the next buffer, and returns the parts that it completes; `isKeyframe` is true if it has a keyframe's data.
    package mutating func take(_ buffer: [UInt8], isKeyframe: Bool) -> [Part] {
        var parts: [Part] = []
        if bytes.isEmpty, Self.name(buffer) == "moof" {
            if let index { parts.append(.index(index)) }
            index = nil
            (bytes, wanted, begins) = (buffer, nil, false)
            return parts
        }
        guard index == nil else {
            index? += buffer
            return []
        }
        guard !bytes.isEmpty else { return [] }
        if wanted == nil, Self.name(buffer) == "mdat" {
            wanted = bytes.count + Self.length(buffer)
        } else if wanted != nil, isKeyframe {
            begins = true
        }
        bytes += buffer
        if let wanted, bytes.count >= wanted {
            parts.append(.piece(bytes, begins: begins))
            (bytes, self.wanted) = ([], nil)
        }
        return parts
    }

    private static func name(_ buffer: [UInt8]) -> String {
        buffer.count >= 8 ? String(decoding: buffer[4..<8], as: UTF8.self) : ""
    }

    /// Returns the length of a box (a part of an MP4 file) in bytes, from its header.
    private static func length(_ buffer: [UInt8]) -> Int {
        let short = buffer[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard short == 1, buffer.count >= 16 else { return short }
        return buffer[8..<16].reduce(0) { ($0 & 0x7F_FFFF_FFFF_FFFF) << 8 | Int($1) }
    }

    /// Returns the parameter `codecs` of the movie's media type (RFC 6381), such as "avc1.64001F", from its index.
    ///
    /// Returns nil if the index has neither H.264 nor H.265.
    package static func codecs(_ index: [UInt8]) -> String? {
        if let place = find("avcC", in: index), place + 4 <= index.count {
            return "avc1." + index[place + 1..<place + 4].map { hex($0) }.joined()
        }
        guard let place = find("hvcC", in: index), place + 13 <= index.count else { return nil }
        let head = index[place + 1]
        let space = ["", "A", "B", "C"][Int(head >> 6)]
        let compatible = index[place + 2..<place + 6].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        var reversed: UInt32 = 0
        for bit in 0..<32 where compatible >> UInt32(bit) & 1 == 1 { reversed |= 1 << UInt32(31 - bit) }
        var constraints = Array(index[place + 6..<place + 12])
        while constraints.last == 0 { constraints.removeLast() }
        let tier = head & 0x20 == 0 ? "L" : "H"
        let profile = ["hvc1", "\(space)\(head & 31)", String(reversed, radix: 16), "\(tier)\(index[place + 12])"]
        return (profile + constraints.map { String($0, radix: 16) }).joined(separator: ".")
    }

    private static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }

    /// Returns the index of the byte after the first occurrence of a box's name; nil if there is none.
    private static func find(_ name: String, in bytes: [UInt8]) -> Int? {
        let name = Array(name.utf8)
        guard bytes.count >= name.count else { return nil }
        return (0...bytes.count - name.count).first { bytes[$0..<$0 + name.count].elementsEqual(name) }
            .map { $0 + name.count }
    }
}
