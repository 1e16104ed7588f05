import Packets
import SystemSupport
import Testing

@Suite("Hostile bytes within an RTSP connection")
struct HostilePacketTests {
    @Test("what is neither a packet nor a message, or a message without end, breaks the connection off")
    func broken() {
        let texts = [
            "\0\u{1}", "no message\r\n\r\n", "RTSP/1.0 200 OK\r\nContent-Length: -4\r\n\r\n",
            "RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "RTSP/1.0 200 OK\r\nContent-Length: 70000\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
            "RTSP/1.0 200 OK\r\n" + String(repeating: "A: b\r\n", count: 4000),
            "RTSP" + String(repeating: "/", count: 40_000),
        ]
        for text in texts {
            var reader = PacketReader()
            #expect(throws: ConnectionBytes.Broken.self, "\(text.prefix(60))") { try reader.events(Array(text.utf8)) }
        }
    }

    @Test("packets whose lengths lie hold nothing, and the largest is taken")
    func lengths() throws {
        var reader = PacketReader()
        var bytes: [UInt8] = []
        // Lists of sources, extensions and padding that are longer than the packet, and pieces longer than theirs.
        for head: UInt8 in [0x8F, 0x90, 0xA0, 0xBF, 0x00, 0x40] {
            var wrong = packet(0, at: 0, isLast: true, [0xFF, 0xFF, 0xFF])
            wrong[4] = head
            bytes += wrong
        }
        bytes += packet(1, at: 0, isLast: true, [24, 0xFF, 0xFF, 1])
        bytes += packet(2, at: 0, isLast: true, [24, 0, 0, 0, 0])
        bytes += packet(3, at: 0, isLast: true, [0x7C]) + packet(4, at: 0, isLast: true, [])
        bytes += [UInt8(ascii: "$"), 0, 0, 0] + [UInt8(ascii: "$"), 0, 0, 1, 0x80]
        #expect(try reader.events(bytes).isEmpty)
        let large = keySlice + [UInt8](repeating: 1, count: 65_535 - 12 - keySlice.count)
        #expect(try reader.events(packet(5, at: 0, isLast: true, large)).units == [code + large])
    }

    @Test("one packet of thousands of keyframes ends at most two units, and parameters are kept up to 64 KiB")
    func crowd() throws {
        var reader = PacketReader()
        var bytes: [UInt8] = []
        for number in 0..<31 {
            // Picture parameters of this number, which is in Exp-Golomb code.
            let code = number + 1
            let width = Int.bitWidth - code.leadingZeroBitCount
            let shifted = width <= 4 ? code << (9 - 2 * width) : code >> (2 * width - 9)
            let head: [UInt8] = [0x68, UInt8(truncatingIfNeeded: shifted), 0xFF]
            bytes += packet(number, at: 0, head + [UInt8](repeating: 0xFF, count: 15_000))
        }
        var several: [UInt8] = [24]
        for _ in 0..<16_000 { several += [0, 2, 0x65, 0x80] }
        bytes += packet(31, at: 0, several) + packet(32, at: 9, isLast: true, keySlice)
        let units = try reader.events(bytes).units
        // Two that the packet ends, one that the next packet ends, and that packet's own.
        #expect(units.count == 4 && units.allSatisfy { $0.count <= 31 * 15_010 + 200_000 })
        #expect(units.reduce(0) { $0 + $1.count } < 2_000_000)
    }

    @Test("a unit without end is left out, and the next is taken")
    func endless() throws {
        var reader = PacketReader()
        let part = [0x7C, 0x05] + [UInt8](repeating: 1, count: 60_000)
        _ = try reader.events(packet(0, at: 0, [0x7C, 0x85, 0x88]))
        for number in 1..<400 { #expect(try reader.events(packet(number, at: 0, part)).units.isEmpty) }
        let events = try reader.events(packet(400, at: 3600, isLast: true, keySlice))
        #expect(events.leftOut == 1 && events.units == [code + keySlice])
    }

    @Test("random packets give no more bytes than came, whatever their pieces", arguments: [NALSyntax.h264, .h265])
    func random(coding: NALSyntax) throws {
        var random = SeededRandom(seed: 4)
        for _ in 0..<200 {
            var reader = PacketReader(.init(coding: coding, payloadType: 96, channel: 0, clockRate: 1))
            var bytes: [UInt8] = []
            for number in 0..<50 {
                let kinds: [UInt8] =
                    coding == .h264 ? [0x7C, 24, 0x65, 0x41, 6, 7, 8] : [0x62, 0x60, 38, 2, 78, 66, 68]
                let holds = (0..<random.below(40)).map { _ in UInt8(random.below(256)) }
                bytes += packet(
                    number + random.below(3), at: UInt32(truncatingIfNeeded: random.below(1 << 32)),
                    isLast: random.below(3) == 0, [random.choice(kinds)] + holds)
            }
            let arrival = UInt64(random.below(1 << 40))
            let drops = random.below(2) == 0
            let units = try reader.events(bytes, pieces: 1 + random.below(100), arrival: arrival, drops: drops).units
            // Parameters come again before keyframes, so many at most.
            #expect(units.allSatisfy { $0.count <= 4 * bytes.count })
        }
    }
}
