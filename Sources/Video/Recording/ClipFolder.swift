import Foundation
import SystemSupport

/// The directory of the clips' files, which are named after events.
///
/// A clip's files are `EVENT.mp4`, `EVENT.2.mp4` and so on; a strip of pictures is `EVENT.jpg`. While a file is
/// written, `.part` is added to its name.
struct ClipFolder: Sendable {
    let path: String
    private static let (ending, stripEnding) = ("mp4", "jpg")

    /// The greatest number of files of one clip.
    static let mostFiles = 16

    /// Returns the path of a clip's file; `number` counts the clip's files from 1.
    func file(_ event: String, number: Int = 1) -> String {
        "\(path)/\(event)\(number == 1 ? "" : ".\(number)").\(Self.ending)"
    }

    /// Returns the path of the strip of pictures of an event.
    func strip(_ event: String) -> String { "\(path)/\(event).\(Self.stripEnding)" }

    /// Returns the paths of a clip's existing files, in order, or that of the event's strip of pictures; empty if it
    /// has neither.
    func files(of event: String) -> [String] {
        let found = (1...Self.mostFiles).lazy.map { file(event, number: $0) }
            .prefix { FileManager.default.fileExists(atPath: $0) }
        guard found.isEmpty else { return Array(found) }
        return FileManager.default.fileExists(atPath: strip(event)) ? [strip(event)] : []
    }

    /// Returns the event to which a file of this name belongs; nil for other names.
    private static func event(of name: String) -> String? {
        let words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let event = words.first, Identifier.isEvent(event) else { return nil }
        switch words.count {
        case 2: return [ending, stripEnding].contains(words[1]) ? event : nil
        case 3:
            guard let number = Int(words[1]), (2...mostFiles).contains(number), words[1] == "\(number)",
                words[2] == ending
            else { return nil }
            return event
        default: return nil
        }
    }

    /// A clip with the sum of its files' bytes, and the time at which its newest file was written, in seconds since
    /// 1970.
    struct Kept: Sendable {
        let event: String
        var bytes = 0
        var modified = 0.0
        var files: [String] = []
    }

    /// Returns all clips and strips of pictures, oldest first.
    func all() -> [Kept] {
        var all: [String: Kept] = [:]
        for name in names() {
            var status = stat()
            guard let event = Self.event(of: name), stat("\(path)/\(name)", &status) == 0 else { continue }
            var clip = all[event] ?? Kept(event: event)
            clip.bytes += Int(status.st_size)
            clip.modified = max(clip.modified, Double(status.st_mtim.tv_sec))
            clip.files.append("\(path)/\(name)")
            all[event] = clip
        }
        return all.values.sorted { ($0.modified, $0.event) < ($1.modified, $1.event) }
    }

    private func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

    /// The bytes of the directory's disk that this user may still write; nil if that is unknown.
    var free: Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (bytes, isBeyond) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return isBeyond ? .max : Int(clamping: bytes)
    }

    /// Completes or removes the `.part` files that a crash left; returns how many were completed.
    ///
    /// A part with a playable beginning is cut to it and gets its final name. Others are removed.
    func sweep() -> Int {
        var count = 0
        for name in names() where name.hasSuffix(".part") {
            let final = String(name.dropLast(".part".count))
            guard Self.event(of: final) != nil else { continue }
            let part = "\(path)/\(name)"
            let whole = Self.playable(part)
            if whole > 0, truncate(part, whole) == 0, rename(part, "\(path)/\(final)") == 0 {
                count += 1
            } else {
                unlink(part)
            }
        }
        return count
    }

    /// Returns the bytes of a fragmented MP4 file up to the end of its last complete fragment; 0 if there is none.
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
            // An index (`moov` or `moof`) comes after the pictures that it describes, so the file is playable up to its
            // end.
            if hasIndex, box.name == "moov" || box.name == "moof" { whole = place }
        }
        return off_t(whole)
    }

    /// The size and name of a box, the unit of which MP4 files consist.
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

    /// Removes clips older than `days`, then the oldest ones until all take at most `most` bytes; returns how many.
    ///
    /// Clips of the events in `spared` are not removed. `now` is in seconds since 1970.
    func retire(days: Double, bytes most: Int, now: Double, sparing spared: Set<String>) -> Int {
        let kept = all()
        var (bytes, count) = (kept.reduce(0) { $0 + $1.bytes }, 0)
        for clip in kept where !spared.contains(clip.event) {
            guard clip.modified < now - days * 86_400 || bytes > most else { continue }
            // The last file is removed first: if the removal is interrupted, the clip still has its first files.
            let files = clip.files.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
            guard files.allSatisfy({ unlink($0) == 0 || errno == ENOENT }) else { continue }
            bytes -= clip.bytes
            count += 1
        }
        return count
    }
}
