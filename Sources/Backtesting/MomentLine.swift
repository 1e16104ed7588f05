package import Foundation
package import History

/// A moment in the output of `search --json` and in the answer of `history.search`.
package struct MomentLine: Codable, Sendable {
    package struct Media: Codable, Sendable {
        package let start: Double
        package let end: Double
        package let peak: Double
    }
    package let stream: String
    /// The film's path; nil for a stream.
    package let file: String?
    /// The wall time of the beginning; nil for a film.
    package let start: Date?
    package let end: Date?
    package let peak: Date?
    package let media: Media
    package let score: Double
    package let head: String
    package let rank: Double
    /// True where another head chose it; absent else.
    package let approximate: Bool?
    /// Path of a picture near its peak, as a daemon serves it.
    package var preview: String?

    package init(_ moment: HistoryMoment) {
        func time(_ seconds: Double) -> Date? { moment.file == nil ? Date(timeIntervalSince1970: seconds) : nil }
        (stream, file, head) = (moment.stream, moment.file, moment.head)
        (start, end, peak) = (time(moment.wallStart), time(moment.wallEnd), time(moment.wallPeak))
        media = Media(start: moment.mediaStart, end: moment.mediaEnd, peak: moment.mediaPeak)
        score = Double(moment.score)
        rank = moment.rank
        approximate = moment.isApproximate ? true : nil
    }
}
