import Foundation
import Messaging
import TestSupport
import Testing

@Suite("Drills: the clock", .serialized)
struct ClockDrills {
    /// The wall clock of one process is another's through libfaketime: monotonic clocks go on, as they do when a real one is set.
    @Test("a wall clock that jumps an hour on and a day back is seen in what is told, and costs no frame and no event")
    func jumps() async throws {
        let place = try Place()
        let library = try #require(
            ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/faketime/libfaketimeMT.so.1" }
                .first { FileManager.default.fileExists(atPath: $0) }, "faketime is not installed: scripts/setup.sh test")
        let clock = place.folder.appending(path: "clock")
        let set = { (offset: String) in try Data("\(offset)\n".utf8).write(to: clock, options: .atomic) }
        try set("+0")
        let daemon = try Drilled(
            place,
            within: [
                "/usr/bin/env", "LD_PRELOAD=\(library)", "FAKETIME_TIMESTAMP_FILE=\(clock.path)", "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1",
            ])
        let cameras = try await Cameras()
        try await daemon.ready()
        try await daemon.add(
            "healthy", try await cameras.add("healthy", film: HealthyStream.film, seconds: HealthyStream.seconds))
        let healthy = try await HealthyStream(daemon)
        for offset in [0.0, 3600, -86_400] {
            try set(offset < 0 ? "\(Int(offset))" : "+\(Int(offset))")
            let seq = await place.seq()
            #expect(try await until { try await !daemon.messages("match.healthy.circle", since: seq).isEmpty })
            let told = try await daemon.messages("match.healthy.circle", since: seq).first
            let message = try #require(told).decoded(as: MatchMessage.self)
            // An event that goes on bears the time of its newest window.
            #expect(abs(message.peak.at.timeIntervalSinceNow - offset) < 60, "\(message)")
            // Wherever the jump found it.
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...2000)))
        }
        try set("+0")
        #expect(try await daemon.plays("healthy"))
        try await healthy.expectUnaffected()
        try await daemon.end()
        try expectWhole(place.entries())
    }
}
