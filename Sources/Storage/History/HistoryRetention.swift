import Foundation

/// The limits of a history: for how long it is kept, and how large it may be.
package struct HistoryRetention: Sendable, Equatable {
    /// The number of days for which a file is kept after its own day; nil keeps all files.
    ///
    /// For films, days count from their indexing.
    package var days: Double?
    /// The greatest size of all files of the history in bytes; nil means unlimited.
    package var bytes: Int?
    /// The number of bytes of the disk that stay free for others; with less free space, nothing is recorded.
    package var reserve: Int
    /// The greatest size of all picture files together in bytes; nil means unlimited.
    ///
    /// It is a third of the total, because embeddings have priority.
    var mostOfPictures: Int? { bytes.map { $0 / 3 } }

    package init(days: Double? = 7, bytes: Int? = 10_000_000_000, reserve: Int = 0) {
        (self.days, self.bytes, self.reserve) = (days, bytes, reserve)
    }

    /// The state of the history after its limits were applied.
    package struct Left: Sendable, Equatable {
        /// The number of deleted segments (files of embeddings); picture files are not counted.
        package var removed = 0
        /// The size of all files in bytes; `pictures` is the size of the picture files among them.
        package var bytes = 0
        package var pictures = 0
    }

    /// Removes old files and leftovers of a crash, and then the oldest files until `room` more bytes fit.
    ///
    /// Files in `open`, which are being written or about to be, are never removed. Empty folders are removed too. The
    /// caller holds the history's lock. `ofPictures` is the part of `room` that is for pictures, in bytes. `now` is in
    /// seconds since 1970.
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
        // A day in the future comes from a wrong clock. Such a segment would never be old, so its age counts from when
        // it was written.
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
        // rmdir(2) removes only empty folders.
        for path in folders { rmdir(path) }
        return left
    }
}

extension HistoryFolder.Segment {
    /// Deletes the history file and its `.tail` file (its incomplete last block); returns true if they are gone.
    ///
    /// The folder is deleted too if it is then empty.
    @discardableResult
    func remove() -> Bool {
        // The tail is removed first, because without its segment it is useless and found only by retention.
        unlink(path + ".tail")
        let isGone = unlink(path) == 0 || errno == ENOENT
        rmdir(URL(filePath: path).deletingLastPathComponent().path)
        return isGone
    }
}

/// Counts the bytes of a history that is being written, and keeps them within its size limit.
///
/// The object belongs to the writer's thread.
final class HistorySpace {
    /// Protects a history file that is, or will be, written from deletion by age or size, as long as the object lives.
    final class Hold {
        private let space: HistorySpace
        private let path: String

        fileprivate init(_ space: HistorySpace, _ path: String) { (self.space, self.path) = (space, path) }
        deinit { space.release(path) }
    }

    private let folder: HistoryFolder
    let retention: HistoryRetention
    private(set) var used = 0
    /// The size of the picture files in bytes, which is a part of `used`.
    private var pictures = 0
    private(set) var removed = 0
    /// The number of `Hold` objects that protect each history file from deletion, by path.
    private var held: [String: Int] = [:]
    private let now: @Sendable () -> Double

    init(_ folder: HistoryFolder, _ retention: HistoryRetention, now: @escaping @Sendable () -> Double) {
        (self.folder, self.retention, self.now) = (folder, retention, now)
        tidy()
    }

    /// Protects a history file from deletion by age or size; call it before the file is opened.
    func hold(_ path: String) -> Hold {
        held[path, default: 0] += 1
        return Hold(self, path)
    }

    private func release(_ path: String) {
        held[path] = held[path].flatMap { $0 > 1 ? $0 - 1 : nil }
    }

    /// Reserves bytes that are about to be written, deleting old files if needed; returns false if there is no space.
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

    /// Returns the bytes that the user may still write to the disk of a directory; a huge number if that is unknown.
    private static func free(_ path: String) -> Int {
        var found = statvfs()
        guard statvfs(path, &found) == 0 else { return .max / 2 }
        return Int(
            clamping: UInt64(found.f_bavail).multipliedReportingOverflow(by: UInt64(found.f_frsize)).partialValue)
    }

    /// Applies the limits by deleting files, so that `room` more bytes fit, and counts all files again.
    func tidy(room: Int = 0, ofPictures: Int = 0) {
        let left = retention.apply(
            to: folder, room: room, ofPictures: ofPictures, sparing: Set(held.keys), now: now())
        removed += left.removed
        (used, pictures) = (left.bytes, left.pictures)
    }
}
