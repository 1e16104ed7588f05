import Foundation

/// A retrieval data set: captions, and the video clips that they describe.
package struct RetrievalSet: Sendable {
    /// A video file, or the part of it from `start` to `end`.
    package struct Clip: Sendable, Hashable {
        /// The clip's name in the data set.
        package let id: String
        package let path: String
        /// The clip's start in seconds; if `start` and `end` are nil, the clip is the whole video.
        package let start: Double?
        package let end: Double?

        package init(id: String, path: String, start: Double? = nil, end: Double? = nil) {
            (self.id, self.path, self.start, self.end) = (id, path, start, end)
        }
    }

    package struct Item: Sendable, Equatable {
        /// The index, in the data set's `clips`, of the clip that the caption describes.
        package let clip: Int
        package let caption: String
    }

    package struct Missing: Sendable, Equatable, Encodable {
        package let video: String
        package let why: String

        package init(_ video: String, _ why: String) { (self.video, self.why) = (video, why) }
    }

    package private(set) var clips: [Clip] = []
    package private(set) var items: [Item] = []
    /// The videos that the data set names but that are missing or cannot be read.
    package private(set) var missing: [Missing] = []
    package var pairing: Pairing

    init(_ pairing: Pairing) { self.pairing = pairing }

    /// Adds a caption, and its clip unless that was added last already.
    mutating func add(_ clip: Clip, _ caption: String) {
        if clips.last != clip || pairing == .oneToOne { clips.append(clip) }
        items.append(Item(clip: clips.count - 1, caption: caption))
    }

    mutating func miss(_ video: String, _ why: String = "there is no such file") {
        let missed = Missing(video, why)
        if missing.last != missed { missing.append(missed) }
    }

    /// Returns the set without some of its clips; `lost` maps their indices to the reasons for which they are missing.
    package func without(_ lost: [Int: String]) -> RetrievalSet {
        var set = RetrievalSet(pairing)
        set.missing = missing
        for item in items {
            if let why = lost[item.clip] {
                set.miss(clips[item.clip].id, why)
            } else if set.pairing == .oneToOne || set.clips.last != clips[item.clip] {
                set.clips.append(clips[item.clip])
                set.items.append(Item(clip: set.clips.count - 1, caption: item.caption))
            } else {
                set.items.append(Item(clip: set.clips.count - 1, caption: item.caption))
            }
        }
        return set
    }
}

/// The error for a data set that cannot be read; the description names the file, and the line if known.
package struct DataSetError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let line: Int?
    package let reason: String
    /// True if the error is that the file does not exist.
    package let isMissing: Bool

    init(_ path: String, line: Int? = nil, _ reason: String, isMissing: Bool = false) {
        (self.path, self.line, self.reason, self.isMissing) = (path, line, reason, isMissing)
    }

    package var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}

/// Reads files of data sets; all of its functions throw `DataSetError`.
enum DataSetFile {
    static func data(_ url: URL) throws(DataSetError) -> Data {
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw DataSetError(url.path, "there is no such file", isMissing: true)
        }
        do { return try Data(contentsOf: url) } catch { throw DataSetError(url.path, "it cannot be read") }
    }

    static func text(_ url: URL) throws(DataSetError) -> String {
        // The byte-order mark is removed as bytes, since as text it may form one `Character` with what follows.
        let data = try data(url)
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard let text = String(data: data.starts(with: mark) ? data.dropFirst(mark.count) : data, encoding: .utf8)
        else { throw DataSetError(url.path, "it is not UTF-8 text") }
        return text
    }

    /// Returns the lines of a text file with their numbers, trimmed; empty lines are left out.
    ///
    /// A line ends at LF, CR LF or CR, as in Python; other line separators of Unicode may be part of a caption.
    static func lines(_ url: URL) throws(DataSetError) -> [(number: Int, text: String)] {
        var lines: [(number: Int, text: String)] = []
        var number = 1
        var line: [UInt8] = []
        func end() {
            let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
            if !text.isEmpty { lines.append((number, text)) }
            line = []
            number += 1
        }
        var last: UInt8 = 0
        for byte in try text(url).utf8 {
            switch byte {
            case 0x0A where last == 0x0D: break
            case 0x0A, 0x0D: end()
            default: line.append(byte)
            }
            last = byte
        }
        end()
        return lines
    }

    static func json<T: Decodable>(_ type: T.Type, _ url: URL) throws(DataSetError) -> T {
        let bytes = try data(url)
        do {
            return try JSONDecoder().decode(type, from: bytes)
        } catch {
            throw DataSetError(url.path, "it is not the JSON that this data set has: \(Self.sentence(error))")
        }
    }

    static func sentence(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it cannot be decoded" }
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found): context = found
        case .keyNotFound(let key, _): return "\"\(key.stringValue)\" is missing"
        @unknown default: return "it cannot be decoded"
        }
        let place = context.codingPath.map(\.stringValue).joined(separator: ".")
        return place.isEmpty ? context.debugDescription : "\(place): \(context.debugDescription)"
    }
}
