import Foundation
import History

/// A moment as `search --json` prints it.
struct MomentLine: Encodable {
    struct Media: Encodable {
        let start: Double
        let end: Double
        let peak: Double
    }
    let stream: String
    let file: String?
    /// Wall-clock times; nil of a film.
    let start: Date?
    let end: Date?
    let peak: Date?
    let media: Media
    let score: Double
    let head: String
    let rank: Double

    init(_ moment: HistoryMoment) {
        func time(_ seconds: Double) -> Date? { moment.file == nil ? Date(timeIntervalSince1970: seconds) : nil }
        (stream, file, head) = (moment.stream, moment.file, moment.head)
        (start, end, peak) = (time(moment.wallStart), time(moment.wallEnd), time(moment.wallPeak))
        media = Media(start: moment.mediaStart, end: moment.mediaEnd, peak: moment.mediaPeak)
        score = Double(moment.score)
        rank = moment.rank
    }

    var cells: [String] {
        func place(_ date: Date?, _ media: Double) -> String {
            date?.formatted(.iso8601) ?? Self.clock(media)
        }
        return [
            String(format: "%.3f", score), String(format: "%.1f %%", rank * 100), stream, place(start, media.start),
            place(end, media.end), place(peak, media.peak),
        ]
    }

    /// Seconds of a film as people write them: 1:02:03.5.
    private static func clock(_ seconds: Double) -> String {
        let tenths = Int((max(0, seconds) * 10).rounded())
        let (hours, minutes, rest) = (tenths / 36_000, tenths / 600 % 60, Double(tenths % 600) / 10)
        return hours > 0
            ? String(format: "%d:%02d:%04.1f", hours, minutes, rest) : String(format: "%d:%04.1f", minutes, rest)
    }
}
