package import Foundation
import Segments

/// A small picture of a stream, to be stored in a history.
package struct HistoryPicture: Sendable {
    package var stream: String
    /// The time of the picture in seconds since 1970.
    package var wall: Double
    /// True if an event had its best score at this time.
    package var isPeak: Bool
    /// Makes the JPEG file; called on the history's thread when the picture is written, and returns nil if it fails.
    package var jpeg: @Sendable () -> Data?

    package init(stream: String, wall: Double, isPeak: Bool, jpeg: @escaping @Sendable () -> Data?) {
        (self.stream, self.wall, self.isPeak, self.jpeg) = (stream, wall, isPeak, jpeg)
    }

    /// The seconds between two regular pictures of a stream; pictures at events' best scores are stored in addition.
    package static let pause = 10.0
    /// The greatest length of a picture's longer side in pixels.
    package static let longestSide = 320
    /// The greatest size of a picture's JPEG file in bytes, more than any picture of this size has.
    package static let mostBytes = 1 << 18
}

/// The format of a picture file: a header, and a record for each picture of one stream and hour.
///
/// A record is its header (`RecordHeader`) and a JPEG file, padded to 8 bytes. Each record is independent, so that the
/// others can be read if the file is truncated or damaged.
enum PictureFile {
    static let hour = 3600.0
    static let ending = ".pics"

    /// Returns the UTC day, counted from 1970, and the hour of a time in seconds since 1970.
    static func slot(at wall: Double) -> (day: Int, hour: Int) {
        let day = HistoryFolder.day(at: wall)
        return (day, min(23, max(0, Int((wall - Double(day) * 86_400) / hour))))
    }

    /// Parses the day and the hour from the name of a picture file; nil for other files.
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

    /// The header of a picture's record.
    ///
    /// Layout, little-endian: magic, wall time (float64), size of the JPEG file and flags (32 bits each; flag 1: taken
    /// at an event's best score), the JPEG file's checksum, the checksum of everything before.
    struct RecordHeader: Equatable {
        static let size = 40
        static let magic: UInt64 = 0x0A43_4950_5457_5749

        var wall: Double
        var isPeak: Bool
        var count: Int
        var sum: UInt64

        /// The size of the record in bytes: this header, and the padded JPEG file.
        var whole: Int { Self.size + BlockHeader.rounded(count, 8) }
    }
}

extension HistoryFolder {
    /// Returns the path of the file with a stream's pictures of an hour.
    func pictures(of stream: String, day: Int, hour: Int) -> String {
        "\(folder(of: stream))/\(Self.dayName(day)).pictures.\(hour < 10 ? "0" : "")\(hour)\(PictureFile.ending)"
    }

    /// Returns the picture files of a stream, oldest first; the `number` of each is its hour.
    package func pictures(of stream: String) -> [Segment] { contents(of: folder(of: stream)).pictures }
}
