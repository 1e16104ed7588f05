import Foundation
import Packets
import SystemSupport
import TestSupport
import Testing

/// A row of packets: their time stamps and arrivals.
struct PacketTimes: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Number, time stamp, arrival.
    let packets: [(number: UInt16, stamp: UInt32, arrival: UInt64)]

    init(
        _ name: String, count: Int = 300, from first: UInt64 = 1000, ticks: (Int) -> Int64 = { Int64($0) * 3600 },
        arrival: (Int, inout SeededRandom) -> Int64 = { Int64($0) * 40_000_000 + Int64($1.below(20_000_000)) },
        number: (Int) -> Int = { $0 }
    ) {
        testDescription = name
        var random = SeededRandom(seed: 9)
        packets = (0..<count).map {
            (
                UInt16(truncatingIfNeeded: number($0)), UInt32(truncatingIfNeeded: Int64(first) + ticks($0)),
                UInt64(1_000_000_000 + max(arrival($0, &random), 0))
            )
        }
    }

    static let all = [
        PacketTimes("regular"),
        PacketTimes("over 32 bits", from: 0xFFFF_FFFF - 270_000),
        PacketTimes("drifting", arrival: { Int64($0) * 40_020_000 + Int64($1.below(30_000_000)) }),
        PacketTimes("clock twice as fast", ticks: { Int64($0) * 7200 }),
        PacketTimes("clock half as fast", ticks: { Int64($0) * 1800 }),
        PacketTimes("standing still", ticks: { _ in 0 }),
        PacketTimes("leaping ahead", ticks: { Int64($0) * 3600 + ($0 > 75 ? 3600 * 90_000 : 0) }),
        PacketTimes("leaping back", from: 5_000_000, ticks: { Int64($0) * 3600 - ($0 > 75 ? 270_000 : 0) }),
        PacketTimes(
            "beginning anew", from: 3_000_000_000,
            ticks: { $0 > 75 ? Int64($0 - 76) * 3600 - 3_000_000_000 : Int64($0) * 3600 }),
        PacketTimes(
            "pausing",
            arrival: { Int64($0) * 40_000_000 + ($0 > 100 ? 600_000_000 : 0) + Int64($1.below(9_000_000)) }),
        PacketTimes(
            "late for a while",
            arrival: { number, _ in Int64(number) * 40_000_000 + ((100...110).contains(number) ? 250_000_000 : 0) }),
        PacketTimes("in bursts", arrival: { Int64($0 / 5 + 1) * 200_000_000 + Int64($1.below(1000)) }),
        PacketTimes("as fast as can be", arrival: { Int64($0) * 1_000_000 + Int64($1.below(100)) }),
        PacketTimes("B-frames", ticks: { Int64($0 + [0, 2, -1, -1][$0 % 4]) * 3600 }),
        PacketTimes("with losses", number: { $0 + $0 / 10 }),
        PacketTimes("numbers over 16 bits", number: { $0 + 65_400 }),
    ]
}

@Suite("Times of packets")
struct SenderClockTests {
    @Test("they are those of GStreamer's rtpjitterbuffer, to the nanosecond", arguments: PacketTimes.all)
    func jitterbuffer(_ times: PacketTimes) async throws {
        let input = times.packets.map { "\($0.number) \($0.stamp) \($0.arrival)\n" }.joined()
        let file = FileManager.default.temporaryDirectory.appending(path: "packets-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(input.utf8).write(to: file)
        let script = Fixtures.repository.appending(path: "Tests/Fixtures/cameras/jitterbuffer.py").path
        let program = try Program("/bin/sh", ["-c", "exec /usr/bin/python3 '\(script)' < '\(file.path)'"])
        let lines = try await program.rest().split(separator: "\n").map { $0.split(separator: " ") }
        let wanted = Dictionary(
            lines.compactMap { line in UInt16(line[0]).flatMap { number in UInt64(line[1]).map { (number, $0) } } },
            uniquingKeysWith: { first, _ in first })
        #expect(wanted.count > times.packets.count / 2)
        var clock = SenderClock(rate: 90_000)
        var last: UInt16?
        for packet in times.packets {
            let hasGap = last.map { packet.number != $0 &+ 1 } ?? false
            let found = clock.time(packet.stamp, arrival: packet.arrival, hasGap: hasGap)
            last = packet.number
            if let time = wanted[packet.number] { #expect(found == time, "packet \(packet.number)") }
        }
    }

    @Test("what came at an unknown time has the time that its stamp gives")
    func unknownArrival() {
        var clock = SenderClock(rate: 90_000)
        for number in 0..<250 {
            _ = clock.time(UInt32(number * 3600), arrival: UInt64(5_000_000_000 + number * 40_000_000))
        }
        #expect(clock.time(250 * 3600, arrival: nil) == 15_000_000_000)
        #expect(clock.time(251 * 3600, arrival: 15_040_000_000) == 15_040_000_000)
    }
}
