import Foundation

/// How long a history is kept, and how much of it.
package struct HistoryRetention: Sendable, Equatable {
    /// Days that a segment is kept after its own; nil keeps all.
    ///
    /// Of films: after it was indexed.
    package var days: Double?
    /// Most bytes of all files; nil for no bound.
    package var bytes: Int?
    /// Bytes of the disk that are left to others: below them nothing is recorded.
    package var reserve: Int

    package init(days: Double? = 7, bytes: Int? = 10_000_000_000, reserve: Int = 0) {
        (self.days, self.bytes, self.reserve) = (days, bytes, reserve)
    }

    /// Removes what a crash left and what is too old, then the oldest until `room` more bytes fit, and empty folders.
    ///
    /// Never what is written now.
    /// The caller holds the history's lock. `open`: segments that are written, or about to be. `now` in seconds since
    /// 1970. Returns how many segments went, and the bytes of all files that are left.
    package func apply(
        to folder: HistoryFolder, room: Int = 0, sparing open: Set<String> = [], now: Double
    ) -> (removed: Int, left: Int) {
        var (segments, left, removed) = ([HistoryFolder.Segment](), 0, 0)
        let folders = folder.streamFolders()
        for path in folders {
            let found = folder.contents(of: path)
            segments += found.segments
            for file in found.leftovers {
                let isOpen = open.contains(file.segment) || open.contains(file.path)
                if isOpen || unlink(file.path) != 0 { left += file.bytes }
            }
        }
        left += segments.reduce(0) { $0 + $1.bytes }
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
            guard isOld || isTooMuch, segment.remove() else { continue }
            left -= segment.bytes
            removed += 1
        }
        // Only empty ones go.
        for path in folders { rmdir(path) }
        return (removed, left)
    }
}

extension HistoryFolder.Segment {
    /// Removes its files, and its folder, if that was the last one; whether they are gone.
    @discardableResult
    func remove() -> Bool {
        // The tail first: alone it would say nothing, and be found only by retention.
        unlink(path + ".tail")
        let isGone = unlink(path) == 0 || errno == ENOENT
        rmdir(URL(filePath: path).deletingLastPathComponent().path)
        return isGone
    }
}

/// The bytes of a history that is written, kept within its bound at all times.
///
/// Belongs to the writer's thread.
final class HistorySpace {
    /// A segment that is written, or about to be: retention spares it until this goes.
    final class Hold {
        private let space: HistorySpace
        private let path: String

        fileprivate init(_ space: HistorySpace, _ path: String) { (self.space, self.path) = (space, path) }
        deinit { space.release(path) }
    }

    private let folder: HistoryFolder
    let retention: HistoryRetention
    private(set) var used = 0
    private(set) var removed = 0
    /// How often each segment is held.
    private var held: [String: Int] = [:]
    private let now: @Sendable () -> Double

    init(_ folder: HistoryFolder, _ retention: HistoryRetention, now: @escaping @Sendable () -> Double) {
        (self.folder, self.retention, self.now) = (folder, retention, now)
        tidy()
    }

    /// Spares a segment from before it is opened.
    func hold(_ path: String) -> Hold {
        held[path, default: 0] += 1
        return Hold(self, path)
    }

    private func release(_ path: String) {
        held[path] = held[path].flatMap { $0 > 1 ? $0 - 1 : nil }
    }

    /// Takes room for bytes that are about to be written; false if there is none.
    func take(_ bytes: Int) -> Bool {
        if let most = retention.bytes, used + bytes > most {
            tidy(room: bytes)
            guard used + bytes <= most else { return false }
        }
        guard retention.reserve == 0 || Self.free(folder.path) >= retention.reserve + bytes else { return false }
        used += bytes
        return true
    }

    /// Bytes of a directory's disk that its user may still write; all there could be, if that is not known.
    private static func free(_ path: String) -> Int {
        var found = statvfs()
        guard statvfs(path, &found) == 0 else { return .max / 2 }
        return Int(
            clamping: UInt64(found.f_bavail).multipliedReportingOverflow(by: UInt64(found.f_frsize)).partialValue)
    }

    /// Removes what is too old or too much, and counts anew.
    func tidy(room: Int = 0) {
        let done = retention.apply(to: folder, room: room, sparing: Set(held.keys), now: now())
        removed += done.removed
        used = done.left
    }
}
