package import Foundation
package import History

/// A search result, as the command `search --json` prints it and the operation `history.search` returns it.
package struct MomentLine: Codable, Sendable {
    package struct Media: Codable, Sendable {
        package let start: Double
        package let end: Double
        package let peak: Double
    }
    package let stream: String
    /// The path of the video file; nil if the result is in a stream.
    package let file: String?
    /// The beginning as a time of day; nil if the result is in a video file.
    package let start: Date?
    package let end: Date?
    package let peak: Date?
    package let media: Media
    package let score: Double
    package let head: String
    package let rank: Double
    /// True if one head (model that scores a window) found the moment and another scored it.
    ///
    /// Otherwise it is nil, and absent from the JSON.
    package let approximate: Bool?
    /// The path of a picture near the best window, on the daemon's HTTP server.
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
