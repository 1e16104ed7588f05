import Packets
import SystemSupport
import Testing

/// One RTP packet within a connection.
func packet(
    _ number: Int, at time: UInt32, isLast: Bool = false, channel: UInt8 = 0, payload type: UInt8 = 96, _ holds: [UInt8]
) -> [UInt8] {
    let head: [UInt8] =
        [0x80, (isLast ? 0x80 : 0) | type] + big(UInt16(truncatingIfNeeded: number)) + big(time) + [0, 0, 0, 1]
    return [UInt8(ascii: "$"), channel] + big(UInt16(head.count + holds.count)) + head + holds
}

func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    stride(from: Number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
}

let code: [UInt8] = [0, 0, 0, 1]
let sequenceSet: [UInt8] = [0x67, 0x42, 0xC0, 0x1E, 1]
let pictureSet: [UInt8] = [0x68, 0xCE, 0x3C, 0x80]
/// Slices whose first macroblock is 0: of a keyframe, of an I picture that is none, of a P picture.
let keySlice: [UInt8] = [0x65, 0b1000_1000, 1, 2, 3]
let intraSlice: [UInt8] = [0x41, 0b1011_0000, 1, 2, 3]
let deltaSlice: [UInt8] = [0x41, 0b1110_0000, 9, 8, 7]

extension PacketReader {
    /// A reader of H.264 on channel 0.
    init(sets: [[UInt8]] = []) {
        self.init(Stream(coding: .h264, payloadType: 96, channel: 0, clockRate: 90_000, sets: sets))
    }

    /// All events of bytes that come in pieces.
    mutating func events(
        _ bytes: [UInt8], pieces: Int = .max, arrival: UInt64 = 1_000_000_000, drops: Bool = false
    ) throws -> [Event] {
        var (found, rest): ([Event], ArraySlice<UInt8>) = ([], bytes[...])
        while !rest.isEmpty {
            let count = read { room in
                let count = min(room.count, rest.count, pieces)
                room.copyBytes(from: rest.prefix(count))
                return count
            }
            rest = rest.dropFirst(count)
            while let event = try next(arrival: arrival, drops: { drops }) { found.append(event) }
        }
        return found
    }
}

extension [PacketReader.Event] {
    var units: [[UInt8]] {
        compactMap { if case .unit(let bytes, _, _) = $0 { bytes } else { nil } }
    }
    var keys: [Bool] { compactMap { if case .unit(_, _, let isKey) = $0 { isKey } else { nil } } }
    var leftOut: Int { count { if case .leftOut = $0 { true } else { false } } }
}

@Suite("Packets within an RTSP connection")
struct PacketReaderTests {
    @Test("a unit is what packets of one time hold: whole pieces, several in one, and fragments")
    func kinds() throws {
        var reader = PacketReader()
        let several = [24] + big(UInt16(5)) + sequenceSet + big(UInt16(4)) + pictureSet
        let long = keySlice + [UInt8](repeating: 7, count: 300)
        let fragments: [[UInt8]] = [
            [0x7C, 0x85] + long[1..<100], [0x7C, 0x05] + long[100..<200], [0x7C, 0x45] + long[200...],
        ]
        let first = [several] + fragments
        var bytes = first.enumerated().flatMap { packet($0, at: 0, isLast: $0 == 3, $1) }
        bytes += packet(4, at: 3600, isLast: true, deltaSlice)
        let events = try reader.events(bytes)
        #expect(events.units == [code + sequenceSet + code + pictureSet + code + long, code + deltaSlice])
        #expect(events.keys == [true, false])
    }

    @Test("in other pieces, and with answers between, bytes give the same units", arguments: [1, 3, 17, 1000, 40_000])
    func pieces(size: Int) throws {
        var random = SeededRandom(seed: UInt64(size))
        var bytes: [UInt8] = []
        for number in 0..<400 {
            let length = random.below(3000)
            let slice = (number.isMultiple(of: 25) ? keySlice : deltaSlice) + [UInt8](repeating: 0xAA, count: length)
            bytes += packet(number, at: UInt32(number) * 3600, isLast: true, slice)
            if number.isMultiple(of: 7) { bytes += packet(number, at: 0, channel: 1, [200, 1, 2]) }
            if number.isMultiple(of: 11) {
                bytes += Array("RTSP/1.0 200 OK\r\nCSeq: 4\r\nContent-Length: 5\r\n\r\n$\0\0\0$".utf8)
            }
        }
        var (whole, parted) = (PacketReader(), PacketReader())
        let units = try whole.events(bytes).units
        let others = try parted.events(bytes, pieces: size).units
        #expect(units.count == 400 && units == others)
    }

    @Test("while nobody wants units that need others, they are not made, and counted")
    func leftOut() throws {
        var reader = PacketReader()
        let slices = (0..<60).map { $0.isMultiple(of: 20) ? keySlice : $0 == 30 ? intraSlice : deltaSlice }
        let bytes = slices.enumerated().flatMap { packet($0, at: UInt32($0) * 3600, isLast: true, $1) }
        let events = try reader.events(bytes, drops: true)
        #expect(events.units.count == 4 && events.keys == [true, true, true, true] && events.leftOut == 56)
        // A decoder that begins in the middle says by supplemental information where.
        let recovery: [UInt8] = [0x06, 0x06, 0x01, 0xC4, 0x80]
        let refreshed = packet(60, at: 1, recovery) + packet(61, at: 1, isLast: true, deltaSlice)
        #expect(try reader.events(refreshed, drops: true).keys == [true])
    }

    @Test("where no keyframe is seen for long, all units are made again: the parser tells what they are")
    func tired() throws {
        var reader = PacketReader()
        let bytes = (0..<300).flatMap { packet($0, at: UInt32($0) * 3600, isLast: true, deltaSlice) }
        let events = try reader.events(bytes, drops: true)
        #expect(events.leftOut == 250 && events.units.count == 50)
    }

    @Test("parameters of the description, or seen before, stand before keyframes that have none")
    func parameters() throws {
        var reader = PacketReader(sets: [sequenceSet, pictureSet])
        let first = try reader.events(packet(0, at: 0, isLast: true, keySlice)).units
        #expect(first == [code + sequenceSet + code + pictureSet + code + keySlice])
        let other: [UInt8] = [0x67, 0x64, 0, 0x28, 9]
        // Parameters that are marked as if they were a unit belong to the next picture.
        var bytes = packet(1, at: 3600, isLast: true, other) + packet(2, at: 7200, isLast: true, deltaSlice)
        bytes += packet(3, at: 10_800, isLast: true, keySlice)
        let units = try reader.events(bytes, drops: true).units
        #expect(units == [code + other + code + pictureSet + code + keySlice])
    }

    @Test("without marks a unit ends with its time, or where the next picture begins")
    func unmarked() throws {
        var reader = PacketReader()
        let second: [UInt8] = [0x41, 0b0110_0000, 5]
        var bytes = packet(0, at: 0, keySlice) + packet(1, at: 3600, deltaSlice) + packet(2, at: 3600, second)
        // A camera whose time stands still.
        bytes += packet(3, at: 3600, deltaSlice) + packet(4, at: 3600, deltaSlice)
        let units = try reader.events(bytes).units
        #expect(units == [code + keySlice, code + deltaSlice + code + second, code + deltaSlice])
    }

    @Test("of a piece that lacks a packet nothing is given, and old packets are not taken twice")
    func losses() throws {
        var reader = PacketReader()
        let parts: [[UInt8]] = [[0x7C, 0x85, 0x88, 1], [0x7C, 0x05, 2], [0x7C, 0x45, 3]]
        var bytes = packet(0, at: 0, sequenceSet) + packet(1, at: 0, parts[0])
        bytes += packet(3, at: 0, isLast: true, parts[2])
        bytes += packet(4, at: 3600, isLast: true, deltaSlice) + packet(4, at: 3600, isLast: true, deltaSlice)
        bytes += packet(2, at: 0, parts[1]) + packet(5, at: 7200, isLast: true, deltaSlice)
        let units = try reader.events(bytes).units
        #expect(units == [code + sequenceSet, code + deltaSlice, code + deltaSlice])
        #expect(reader.lostPackets == 1)
        // A camera that begins anew counts from another number.
        #expect(try reader.events(packet(40_000, at: 1, isLast: true, keySlice)).units.count == 1)
    }

    @Test("requests of the server are answered by their number; other channels and payloads are left alone")
    func others() throws {
        var reader = PacketReader()
        var bytes = Array("OPTIONS rtsp://x RTSP/1.0\r\nCSeq: 17\r\n\r\n".utf8)
        bytes += packet(0, at: 0, isLast: true, channel: 2, keySlice)
        bytes += packet(0, at: 0, isLast: true, payload: 8, keySlice)
        bytes += packet(0, at: 0, isLast: true, [26, 1, 2, 3])
        #expect(try reader.events(bytes) == [.request(sequence: "17"), .unknown])
    }

    @Test("H.265 in whole pieces, several in one, and fragments")
    func h265() throws {
        var reader = PacketReader(.init(coding: .h265, payloadType: 96, channel: 0, clockRate: 90_000))
        let sets: [[UInt8]] = [[0x40, 1, 12], [0x42, 1, 13], [0x44, 1, 14]]
        let several: [UInt8] = [0x60, 1] + sets.flatMap { (set: [UInt8]) -> [UInt8] in big(UInt16(set.count)) + set }
        // IDR_W_RADL, of type 19, in two fragments.
        let begins: [UInt8] = [0x62, 1, 0x80 | 19, 0xAF, 1]
        let ends: [UInt8] = [0x62, 1, 0x40 | 19, 2]
        let delta: [UInt8] = [0x02, 1, 0b1101_0000, 3]
        let intra: [UInt8] = [0x02, 1, 0b1101_1000, 3]
        var bytes = packet(0, at: 0, several) + packet(1, at: 0, begins) + packet(2, at: 0, isLast: true, ends)
        bytes += packet(3, at: 3600, isLast: true, delta) + packet(4, at: 7200, isLast: true, intra)
        let events = try reader.events(bytes, drops: true)
        let key: [UInt8] = [19 << 1, 1, 0xAF, 1, 2]
        let all = sets.flatMap { code + $0 }
        #expect(events.units == [all + code + key, all + code + intra] && events.leftOut == 1)
    }
}
