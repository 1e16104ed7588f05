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
    /// Most bytes of pictures among them: embeddings tell more.
    var mostOfPictures: Int? { bytes.map { $0 / 3 } }

    package init(days: Double? = 7, bytes: Int? = 10_000_000_000, reserve: Int = 0) {
        (self.days, self.bytes, self.reserve) = (days, bytes, reserve)
    }

    /// What is left after retention.
    package struct Left: Sendable, Equatable {
        /// Number of segments deleted; picture files are not counted.
        package var removed = 0
        /// Bytes of all files, and of pictures among them.
        package var bytes = 0
        package var pictures = 0
    }

    /// Removes what a crash left and what is too old, then the oldest until `room` more bytes fit, and empty folders.
    ///
    /// Never what is written now.
    /// The caller holds the history's lock. `room`: of which `ofPictures` are for pictures. `open`: files that are
    /// written, or about to be. `now` in seconds since 1970.
    package func apply(
        to folder: HistoryFolder, room: Int = 0, ofPictures: Int = 0, sparing open: Set<String> = [], now: Double
    ) -> Left {
        var (files, left) = ([(file: HistoryFolder.Segment, isPictures: Bool)](), Left())
        let folders = folder.streamFolders()
        for path in folders {
            let found = folder.contents(of: path)
            files += found.segments.map { (file: $0, isPictures: false) }
            files += found.pictures.map { (file: $0, isPictures: true) }
            for file in found.leftovers {
                let isOpen = open.contains(file.segment) || open.contains(file.path)
                if isOpen || unlink(file.path) != 0 { left.bytes += file.bytes }
            }
        }
        for (file, isPictures) in files {
            left.bytes += file.bytes
            if isPictures { left.pictures += file.bytes }
        }
        let today = HistoryFolder.day(at: now)
        // A day that has not come is a clock's mistake: such a segment would never be old, so it goes by when it was
        // written.
        func age(_ segment: HistoryFolder.Segment, _ isPictures: Bool) -> Double {
            guard let day = segment.day, day <= today + 1 else { return now - segment.written }
            let end = isPictures ? Double(segment.number + 1) * PictureFile.hour : 86_400
            return now - Double(day) * 86_400 - end
        }
        let aged = files.map { (file: $0.file, isPictures: $0.isPictures, age: age($0.file, $0.isPictures)) }
        for (file, isPictures, age) in aged.sorted(by: { $0.age > $1.age }) where !open.contains(file.path) {
            let isOld = days.map { age > $0 * 86_400 } ?? false
            let isTooMuch = bytes.map { left.bytes + room > $0 } ?? false
            let isTooMany = isPictures && mostOfPictures.map { left.pictures + ofPictures > $0 } ?? false
            guard isOld || isTooMuch || isTooMany, file.remove() else { continue }
            left.bytes -= file.bytes
            if isPictures { left.pictures -= file.bytes } else { left.removed += 1 }
        }
        // Only empty ones go.
        for path in folders { rmdir(path) }
        return left
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
    /// Of which pictures.
    private var pictures = 0
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
    func take(_ bytes: Int, ofPictures: Bool = false) -> Bool {
        func fits() -> Bool {
            used + bytes <= retention.bytes ?? .max
                && (!ofPictures || pictures + bytes <= retention.mostOfPictures ?? .max)
        }
        if !fits() {
            tidy(room: bytes, ofPictures: ofPictures ? bytes : 0)
            guard fits() else { return false }
        }
        guard retention.reserve == 0 || Self.free(folder.path) >= retention.reserve + bytes else { return false }
        used += bytes
        if ofPictures { pictures += bytes }
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
    func tidy(room: Int = 0, ofPictures: Int = 0) {
        let left = retention.apply(
            to: folder, room: room, ofPictures: ofPictures, sparing: Set(held.keys), now: now())
        removed += left.removed
        (used, pictures) = (left.bytes, left.pictures)
    }
}
