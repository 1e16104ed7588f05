package import Foundation

/// A small picture of what was seen, on its way into a history.
package struct HistoryPicture: Sendable {
    package var stream: String
    /// Seconds since 1970.
    package var wall: Double
    /// Whether an event had its peak there.
    package var isPeak: Bool
    /// The JPEG file, made when and where the history writes it; nil where it cannot be made.
    package var jpeg: @Sendable () -> Data?

    package init(stream: String, wall: Double, isPeak: Bool, jpeg: @escaping @Sendable () -> Data?) {
        (self.stream, self.wall, self.isPeak, self.jpeg) = (stream, wall, isPeak, jpeg)
    }

    /// Seconds between two pictures of a stream, besides those of peaks.
    package static let pause = 10.0
    /// Samples of the longer side, at most.
    package static let longestSide = 320
    /// Bytes of a file, at most: what a picture of so many samples never has.
    package static let mostBytes = 1 << 18
}

/// The pictures of one stream and one hour: a header as segments have it, then one record a picture.
///
/// A record is its header (`RecordHeader`) and a JPEG file, padded to 8 bytes. It stands for itself, so that a file
/// that is cut or damaged anywhere keeps the others.
enum PictureFile {
    static let hour = 3600.0
    static let ending = ".pics"

    /// Which hour of which day a time is in.
    static func slot(at wall: Double) -> (day: Int, hour: Int) {
        let day = HistoryFolder.day(at: wall)
        return (day, min(23, max(0, Int((wall - Double(day) * 86_400) / hour))))
    }

    /// The day and hour of a file's name; nil of a file that is none of pictures.
    static func parse(_ name: String) -> (day: Int, hour: Int)? {
        guard name.hasSuffix(ending) else { return nil }
        let parts = name.dropLast(ending.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1] == "pictures", let day = HistoryFolder.day(String(parts[0])),
            let hour = Int(parts[2]), 0..<24 ~= hour
        else { return nil }
        return (day, hour)
    }

    static func header(of stream: String) -> SegmentHeader {
        SegmentHeader(kind: .pictures, model: "", width: 1, window: 1, head: "", stream: stream)
    }

    /// What stands before a picture.
    ///
    /// Layout, little-endian: magic, wall time (float64), bytes of the JPEG file and flags (32 bits each; 1: a peak),
    /// its checksum, the checksum of all before it.
    struct RecordHeader: Equatable {
        static let size = 40
        static let magic: UInt64 = 0x0A43_4950_5457_5749

        var wall: Double
        var isPeak: Bool
        var count: Int
        var sum: UInt64

        /// Bytes of the whole record.
        var whole: Int { Self.size + BlockHeader.rounded(count, 8) }
    }
}

extension HistoryFolder {
    /// The place of the pictures of an hour.
    func pictures(of stream: String, day: Int, hour: Int) -> String {
        "\(folder(of: stream))/\(Self.dayName(day)).pictures.\(hour < 10 ? "0" : "")\(hour)\(PictureFile.ending)"
    }

    /// The files of a stream's pictures, oldest first; their numbers are hours.
    package func pictures(of stream: String) -> [Segment] { contents(of: folder(of: stream)).pictures }
}
