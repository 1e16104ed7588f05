import Foundation
import History
import Segments
import SystemSupport
import TestSupport
import Testing

/// `WATCHWORD_KILLS` says how often a process is killed; `make drills` says 100.
private let kills = ProcessInfo.processInfo.environment["WATCHWORD_KILLS"].flatMap { Int($0) } ?? 10

@Suite("A history after SIGKILL", .serialized)
struct HistoryCrashTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "history-kills-\(UUID())")
    private var told: String { folder.appending(path: "told").path }
    private var history: HistoryFolder { HistoryFolder(folder.appending(path: "history").path) }

    /// Runs of frames of which a process said that they are on the disk.
    private func runs() throws -> [ClosedRange<Int>] {
        guard FileManager.default.fileExists(atPath: told) else { return [] }
        return try String(contentsOfFile: told, encoding: .utf8).split(separator: "\n").compactMap { line in
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            return numbers.count == 2 ? numbers[0]...numbers[1] : nil
        }
    }

    /// Numbers of the frames that can be read, in order, and whether anything could not be.
    private func read() throws -> (frames: [Int], skips: HistorySkips) {
        var (frames, skips) = ([Int](), HistorySkips())
        for segment in history.segments().sorted(by: { ($0.day ?? 0, $0.number) < ($1.day ?? 0, $1.number) }) {
            let reader = try HistoryReader(segment)
            while let rows = reader.next(where: { _ in false }) {
                frames += rows.filter { !$0.entry.flags.isCarried }.map { Int($0.entry.media) }
            }
            skips.merge(reader.skips)
        }
        return (frames, skips)
    }

    /// Windows of 8 frames without a gap.
    private func windows(_ frames: [Int]) -> Int {
        var (since, last, windows) = (0, -2, 0)
        for frame in frames {
            since = frame == last + 1 ? since + 1 : 1
            if since >= 8 { windows += 1 }
            last = frame
        }
        return windows
    }

    @Test("has all that was flushed, once and in order, is searched whole, and is written on")
    func killed() async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var random = seededRandom("kills of a history's writer")
        for kill in 1...kills {
            let before = try runs().count
            let writer = try Program(Fixtures.plugins + "/event-producer", ["history", history.path, told])
            let wanted = before + 1 + random.below(40)
            try #require(try await until { try runs().count >= wanted })
            writer.kill()
            try #require(try await until { !writer.isRunning })

            let (frames, skips) = try read()
            #expect(zip(frames, frames.dropFirst()).allSatisfy { $0 < $1 }, "kill \(kill)")
            let known = Set(frames)
            let lost = try runs().flatMap { $0.filter { !known.contains($0) } }
            #expect(lost.isEmpty, "kill \(kill): \(lost.count) frames are gone, the first is \(lost.first ?? 0)")
            var query = HistoryQuery(texts: [[Float](repeating: 0.125, count: 64)], model: "test@1", width: 64)
            query.limit = 3
            let found = HistorySearch(history, now: { 1e10 }).run(query)
            #expect(found.windows == windows(frames), "kill \(kill)")
            #expect(found.moments[0].count == 3 && skips.isEmpty && found.skips.isEmpty, "\(found.skips.sentences)")
        }
    }
}
