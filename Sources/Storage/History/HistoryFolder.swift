import Digests
import Foundation
package import Segments
package import SystemSupport

/// The directory of a history, which has a folder for each stream with its segments (files of embeddings).
///
/// A segment is `<stream>/<day>.<kind>.<number>.seg`, with a `.tail` file beside it while it is written; a film's is
/// `film-<hash>.seg`, or `cut--<hash>.seg` if the film broke off. Pictures are in `<day>.pictures.<hour>.pics`. Days
/// are UTC days. Names of streams are untrusted: a folder's name is derived from the stream's, and the segment's header
/// has the exact name.
package struct HistoryFolder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// A segment (a history file of embeddings) or a picture file, described from its name without reading it.
    package struct Segment: Sendable, Equatable {
        package let path: String
        /// The path of the `.tail` file, which has the frames or clips of the incomplete last block; nil without one.
        package var tail: String?
        /// The UTC day of the history file, counted from 1 January 1970; nil for films.
        package let day: Int?
        package let isFrames: Bool
        /// The size in bytes of the history file and its `.tail` file (its incomplete last block) together.
        package var bytes: Int
        /// The time at which the file was last written, in seconds since 1970.
        package let written: Double
        package let number: Int
    }

    /// Returns the name of the folder for a stream, whose own name may contain any characters.
    ///
    /// Letters, digits, `-` and `_` are kept, other bytes become `%` and two hexadecimal digits. A name that would be
    /// too long is cut, and ends with `~` and a hash.
    package static func folderName(_ stream: String) -> String {
        var name = ""
        for byte in stream.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                name.append(Character(UnicodeScalar(byte)))
            default: name += (byte < 16 ? "%0" : "%") + String(byte, radix: 16)
            }
        }
        if name.isEmpty { name = "%" }
        return name.utf8.count <= 120 ? name : name.prefix(100) + "~" + hash(stream)
    }

    /// Returns the first 128 bits of a text's SHA-256 in hexadecimal digits, which nobody can make collide.
    package static func hash(_ text: String) -> String {
        let digest = Digest(.sha256)
        digest.update(Array(text.utf8))
        return String(digest.hexadecimal.prefix(hashDigits))
    }
    private static let hashDigits = 32

    package func folder(of stream: String) -> String { "\(path)/\(Self.folderName(stream))" }

    /// Returns the name of the stream whose folder has this name; nil for shortened names and names of other folders.
    static func stream(ofFolder name: String) -> String? {
        if name == "%" { return "" }
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        let stream = String(decoding: bytes, as: UTF8.self)
        return folderName(stream) == name ? stream : nil
    }

    /// Locks the history against other writers until the returned lock is released; throws if another one has it.
    package func lock() throws(HistoryProblem) -> DirectoryLock {
        try SegmentAppender.makeFolder(path)
        do { return try DirectoryLock(path) } catch {
            guard error.code == EWOULDBLOCK else { throw HistoryProblem(.unwritable, path, error.reason) }
            throw HistoryProblem(
                .inUse, path, "another process writes to this history; wait until it is done, or name another directory"
            )
        }
    }

    /// Returns the path of a film's history file.
    ///
    /// A film that broke off (`isCut`) has another path than a complete one, so that it is indexed again.
    package func film(_ file: String, stream: String, isCut: Bool = false) -> String {
        "\(folder(of: stream))/\(isCut ? "cut--" : "film-")\(Self.hash(file)).seg"
    }

    /// Returns the header of a film's history file; nil if the film is not completely in the history.
    package func knownFilm(_ file: String, stream: String) -> SegmentHeader? {
        guard let header = try? SegmentReader(film(file, stream: stream)).header, header.file == file else {
            return nil
        }
        return header
    }

    /// Returns the part of a history file's name that tells its kind: frames, or clip embeddings.
    ///
    /// For clip embeddings, it contains the head (the model that made them) and the number of frames in a window.
    static func kindName(_ header: SegmentHeader) -> String {
        header.kind == .frames ? "frames" : "clips-\(folderName(header.head).prefix(64))-\(header.window)"
    }

    /// Returns the path of the history file with this number for a day.
    func segment(_ header: SegmentHeader, day: Int, number: Int) -> String {
        "\(folder(of: header.stream))/\(Self.dayName(day)).\(Self.kindName(header)).\(number).seg"
    }

    /// A file left by a crash: an unfinished history file, or a `.tail` file that lacks its history file.
    ///
    /// A `.tail` file has the incomplete last block of a history file.
    struct Leftover: Equatable {
        let path: String
        /// The path of the history file to which the file belongs, or would have been renamed.
        let segment: String
        let bytes: Int
    }

    /// Returns all files of the history, ordered by folder, day and number; picture files are not included.
    package func segments() -> [Segment] { streamFolders().flatMap { contents(of: $0).segments } }

    /// Returns the history files of a stream, ordered by day and number.
    package func segments(of stream: String) -> [Segment] { contents(of: folder(of: stream)).segments }

    /// Returns the paths of all streams' folders, sorted.
    func streamFolders() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter(Self.isStreamFolder).sorted().map { "\(path)/\($0)" }
    }

    /// Returns true if a name can be that of a stream's folder; other names in the directory are ignored.
    private static func isStreamFolder(_ name: String) -> Bool {
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_%~"
        return name.allSatisfy(letters.contains)
    }

    /// Lists a stream's folder: its history files, its picture files and the leftovers of a crash, with their sizes.
    func contents(of folder: String) -> (segments: [Segment], pictures: [Segment], leftovers: [Leftover]) {
        var found: [String: Segment] = [:]
        var pictures: [Segment] = []
        var rest: [Leftover] = []
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            var status = stat()
            let path = "\(folder)/\(name)"
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            let bytes = Int(status.st_size)
            if let ending = [".tail", ".part"].first(where: name.hasSuffix), Self.isFile(String(name.dropLast(5))) {
                rest.append(Leftover(path: path, segment: String(path.dropLast(ending.count)), bytes: bytes))
            } else if let parsed = Self.parse(name) {
                found[path] = Segment(
                    path: path, tail: nil, day: parsed.day, isFrames: parsed.isFrames, bytes: bytes,
                    written: Double(status.st_mtim.tv_sec), number: parsed.number)
            } else if let slot = PictureFile.parse(name) {
                pictures.append(
                    Segment(
                        path: path, tail: nil, day: slot.day, isFrames: false, bytes: bytes,
                        written: Double(status.st_mtim.tv_sec), number: slot.hour))
            }
        }
        rest.removeAll { file in
            guard file.path.hasSuffix(".tail"), found[file.segment] != nil else { return false }
            found[file.segment]?.tail = file.path
            found[file.segment]?.bytes += file.bytes
            return true
        }
        func isBefore(_ a: Segment, _ b: Segment) -> Bool {
            (a.day ?? .min, a.number, a.path) < (b.day ?? .min, b.number, b.path)
        }
        return (found.values.sorted(by: isBefore), pictures.sorted(by: isBefore), rest)
    }

    /// Returns true for the file name of a history file or of a picture file.
    private static func isFile(_ name: String) -> Bool { parse(name) != nil || PictureFile.parse(name) != nil }

    /// Parses the file name of a history file; nil for other files.
    private static func parse(_ file: String) -> (day: Int?, isFrames: Bool, number: Int)? {
        guard file.hasSuffix(".seg") else { return nil }
        let name = file.dropLast(4)
        if name.hasPrefix("film-") || name.hasPrefix("cut--"), name.utf8.count == 5 + hashDigits {
            return (nil, true, 0)
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let day = day(String(parts[0])), let number = Int(parts[2]),
            0..<1_000_000_000 ~= number,
            parts[1] == "frames" || parts[1].hasPrefix("clips-")
        else { return nil }
        return (day, parts[1] == "frames", number)
    }

    /// Returns the date of a day counted from 1 January 1970, such as 2026-11-30.
    package static func dayName(_ day: Int) -> String {
        // The inverse of Howard Hinnant's algorithm `days_from_civil`.
        let z = day + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let ofEra = z - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * ofYear + 2) / 153
        let (date, month) = (ofYear - (153 * shifted + 2) / 5 + 1, shifted < 10 ? shifted + 3 : shifted - 9)
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(year)-\(two(month))-\(two(date))"
    }

    /// Returns the day of a date such as 2026-11-30, counted from 1 January 1970; nil if the text is not a date.
    package static func day(_ name: String) -> Int? {
        let parts = name.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, 1900...9999 ~= parts[0], 1...12 ~= parts[1], 1...31 ~= parts[2] else { return nil }
        let year = parts[1] <= 2 ? parts[0] - 1 : parts[0]
        let (era, ofEra) = (year / 400, year % 400)
        let ofYear = (153 * (parts[1] + (parts[1] > 2 ? -3 : 9)) + 2) / 5 + parts[2] - 1
        let day = era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
        return dayName(day) == name ? day : nil
    }

    /// Returns the UTC day, counted from 1 January 1970, of a time in seconds since then.
    package static func day(at wall: Double) -> Int { Int((min(max(wall, 0), 1e11) / 86_400).rounded(.down)) }
}
