import Foundation
import SystemSupport

/// The files of clips, named after their events: `EVENT.mp4`, and `EVENT.mp4.part` while they are written.
struct ClipFolder: Sendable {
    let path: String
    private static let ending = ".mp4"

    func file(_ event: String) -> String { "\(path)/\(event)\(Self.ending)" }

    /// A clip and what retention goes by.
    struct Kept: Sendable {
        let event: String
        let bytes: Int
        let modified: Double
    }

    /// The clips, oldest first.
    func all() -> [Kept] {
        names().compactMap { name in
            guard name.hasSuffix(Self.ending) else { return nil }
            let event = String(name.dropLast(Self.ending.count))
            var status = stat()
            guard Identifier.isEvent(event), stat(file(event), &status) == 0 else { return nil }
            return Kept(event: event, bytes: Int(status.st_size), modified: Double(status.st_mtim.tv_sec))
        }.sorted { $0.modified < $1.modified }
    }

    private func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

    /// Bytes that are free for this user where the clips are; nil if that is not known.
    var free: Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    /// Takes up what a crash left: a part that plays becomes its event's clip, another is removed.
    ///
    /// Returns how many became clips.
    func sweep() -> Int {
        var count = 0
        for name in names() where name.hasSuffix(Self.ending + ".part") {
            let event = String(name.dropLast(Self.ending.count + 5))
            guard Identifier.isEvent(event) else { continue }
            let part = "\(path)/\(name)"
            let whole = Self.playable(part)
            if whole > 0, truncate(part, whole) == 0, rename(part, file(event)) == 0 {
                count += 1
            } else {
                unlink(part)
            }
        }
        return count
    }

    /// Bytes of a fragmented file up to the end of its last whole fragment; 0 if there is none.
    private static func playable(_ path: String) -> off_t {
        guard let handle = FileHandle(forReadingAtPath: path) else { return 0 }
        defer { try? handle.close() }
        let end = (try? handle.seekToEnd()) ?? 0
        var (place, whole, hasIndex): (UInt64, UInt64, Bool) = (0, 0, false)
        while place + 8 <= end {
            guard (try? handle.seek(toOffset: place)) != nil, let head = try? handle.read(upToCount: 16),
                head.count >= 8, let box = Box(head)
            else { break }
            guard box.bytes >= 8, box.bytes <= end - place else { break }
            place += box.bytes
            if box.name == "moov" { hasIndex = true }
            // An index stands behind the pictures that it is of.
            if hasIndex, box.name == "moov" || box.name == "moof" { whole = place }
        }
        return off_t(whole)
    }

    /// The beginning of a part of an MP4 file.
    private struct Box {
        let bytes: UInt64
        let name: String

        init?(_ head: Data) {
            let head = Array(head)
            func number(_ range: Range<Int>) -> UInt64 { head[range].reduce(0) { $0 << 8 | UInt64($1) } }
            name = String(decoding: head[4..<8], as: UTF8.self)
            switch number(0..<4) {
            case 1:
                guard head.count >= 16 else { return nil }
                bytes = number(8..<16)
            case let short: bytes = short
            }
        }
    }

    /// Removes clips that are too old, then the oldest while they take too much; `spared` ones stay.
    func retire(days: Double, bytes most: Int, now: Double, sparing spared: Set<String>) -> Int {
        let kept = all()
        var (bytes, count) = (kept.reduce(0) { $0 + $1.bytes }, 0)
        for clip in kept where !spared.contains(clip.event) {
            guard clip.modified < now - days * 86_400 || bytes > most else { continue }
            guard unlink(file(clip.event)) == 0 else { continue }
            bytes -= clip.bytes
            count += 1
        }
        return count
    }
}
