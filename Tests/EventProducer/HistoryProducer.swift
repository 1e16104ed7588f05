import Foundation
import History
import SystemSupport

/// Writes a history as fast as its disk lets it, until it is killed: more days than a camera makes.
enum HistoryProducer {
    /// 2026-11-30, noon.
    private static let start = 1_796_040_000.0
    private static let width = 64

    /// `told`: a file of the runs of frames that are on the disk for sure, each by its first and last number.
    static func record(_ folder: String, _ told: String) throws {
        let file = open(told, O_RDWR | O_CREAT | O_APPEND, 0o644)
        let before = try String(contentsOfFile: told, encoding: .utf8).split(separator: "\n").count
        var settings = HistoryWriter.Settings(
            model: "test@1", width: width, window: 8, retention: HistoryRetention(days: nil, bytes: nil))
        settings.depth = 8192
        let writer = try HistoryWriter(folder, settings)
        var random = SeededRandom(seed: UInt64(before))
        // Numbers of another process's frames are none of those that a kill took.
        var next = before * 10_000
        let first = next
        while true {
            let from = next
            for _ in 0...random.below(300) {
                let at = Double(next)
                writer.append(
                    HistoryFrame(
                        stream: "lobby", embedding: (0..<width).map { _ in Float(random.normal()) }, media: at,
                        wall: start + at, isDiscontinuity: next == first))
                next += 1
            }
            writer.flush()
            // One write: whole, or not at all.
            let line = Array("\(from) \(next - 1)\n".utf8)
            _ = write(file, line, line.count)
        }
    }
}
