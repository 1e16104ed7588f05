import Foundation

/// How long a history is kept, and how much of it.
package struct HistoryRetention: Sendable, Equatable {
    /// Days that a segment is kept after its own; nil keeps all.
    ///
    /// Of films: after it was indexed.
    package var days: Double?
    /// Most bytes of all segments; nil for no bound.
    package var bytes: Int?

    package init(days: Double? = 7, bytes: Int? = 10_000_000_000) { (self.days, self.bytes) = (days, bytes) }

    /// Removes what is too old, then the oldest until `room` more bytes fit; never what is written now.
    ///
    /// `now` in seconds since 1970. Returns how many segments went, and the bytes that are left.
    package func apply(
        to folder: HistoryFolder, room: Int = 0, sparing open: Set<String> = [], now: Double
    ) -> (removed: Int, left: Int) {
        let segments = folder.segments()
        var left = segments.reduce(0) { $0 + $1.bytes }
        var removed = 0
        let today = HistoryFolder.day(at: now)
        // A day that has not come is a clock's mistake: such a segment would never be old, so it goes by when it was
        // written.
        func age(_ segment: HistoryFolder.Segment) -> Double {
            if let day = segment.day, day <= today + 1 { return now - Double(day + 1) * 86_400 }
            return now - segment.written
        }
        for segment in segments.sorted(by: { age($0) > age($1) }) where !open.contains(segment.path) {
            let isOld = days.map { age(segment) > $0 * 86_400 } ?? false
            let isTooMuch = bytes.map { left + room > $0 } ?? false
            guard isOld || isTooMuch else { continue }
            segment.remove()
            left -= segment.bytes
            removed += 1
        }
        return (removed, left)
    }
}

extension HistoryFolder.Segment {
    /// Removes its files; its folder too, if that was the last one.
    func remove() {
        // The tail first: alone it would never be found again.
        unlink(path + ".tail")
        unlink(path)
        rmdir(URL(filePath: path).deletingLastPathComponent().path)
    }
}

/// The bytes of a history that is written, kept within its bound at all times.
///
/// Belongs to the writer's thread.
final class HistorySpace {
    private let folder: HistoryFolder
    let retention: HistoryRetention
    private(set) var used = 0
    private(set) var removed = 0
    /// Segments that are written now.
    var open: () -> Set<String> = { [] }
    private let now: @Sendable () -> Double

    init(_ folder: HistoryFolder, _ retention: HistoryRetention, now: @escaping @Sendable () -> Double) {
        (self.folder, self.retention, self.now) = (folder, retention, now)
        tidy()
    }

    /// Takes room for bytes that are about to be written; false if there is none.
    func take(_ bytes: Int) -> Bool {
        if let most = retention.bytes, used + bytes > most {
            tidy(room: bytes)
            guard used + bytes <= most else { return false }
        }
        used += bytes
        return true
    }

    /// Removes what is too old or too much, and counts anew.
    func tidy(room: Int = 0) {
        let done = retention.apply(to: folder, room: room, sparing: open(), now: now())
        removed += done.removed
        used = done.left
    }
}
