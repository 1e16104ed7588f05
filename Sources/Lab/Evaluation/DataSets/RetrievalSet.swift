import Foundation

/// Captions, and the clips that they describe.
package struct RetrievalSet: Sendable {
    /// A video or a part of it.
    package struct Clip: Sendable, Hashable {
        /// The clip's name in the data set.
        package let id: String
        package let path: String
        /// The beginning in seconds; nil means the whole video.
        package let start: Double?
        package let end: Double?

        package init(id: String, path: String, start: Double? = nil, end: Double? = nil) {
            (self.id, self.path, self.start, self.end) = (id, path, start, end)
        }
    }

    package struct Item: Sendable, Equatable {
        /// The clip's index in `clips`.
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
    /// The videos that the lists name but that do not exist, in the order of the lists.
    package private(set) var missing: [Missing] = []
    package var pairing: Pairing

    init(_ pairing: Pairing) { self.pairing = pairing }

    /// Adds a caption to the clip that was added last, or to a new one.
    mutating func add(_ clip: Clip, _ caption: String) {
        if clips.last != clip || pairing == .oneToOne { clips.append(clip) }
        items.append(Item(clip: clips.count - 1, caption: caption))
    }

    mutating func miss(_ video: String, _ why: String = "there is no such file") {
        let missed = Missing(video, why)
        if missing.last != missed { missing.append(missed) }
    }

    /// Returns the set without some of its clips, which are listed as missing.
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

/// A data set that could not be read: a sentence that names the file, and the line if there is one.
package struct DataSetError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let line: Int?
    package let reason: String
    /// Whether the file does not exist.
    package let isMissing: Bool

    init(_ path: String, line: Int? = nil, _ reason: String, isMissing: Bool = false) {
        (self.path, self.line, self.reason, self.isMissing) = (path, line, reason, isMissing)
    }

    package var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}

/// Reads the files of a data set.
enum DataSetFile {
    static func data(_ url: URL) throws(DataSetError) -> Data {
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw DataSetError(url.path, "there is no such file", isMissing: true)
        }
        do { return try Data(contentsOf: url) } catch { throw DataSetError(url.path, "it cannot be read") }
    }

    static func text(_ url: URL) throws(DataSetError) -> String {
        // By bytes: a mark at the start may be one grapheme with what follows.
        let data = try data(url)
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard let text = String(data: data.starts(with: mark) ? data.dropFirst(mark.count) : data, encoding: .utf8)
        else { throw DataSetError(url.path, "it is not UTF-8 text") }
        return text
    }

    /// Returns the lines with their numbers, without surrounding white space; empty ones are left out.
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
