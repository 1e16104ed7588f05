import Backtesting
import Foundation

extension MomentLine {
    /// The cells of one row in the table of found moments.
    var cells: [String] {
        func place(_ date: Date?, _ media: Double) -> String {
            date?.formatted(.iso8601) ?? Self.clock(media)
        }
        let seconds = end.flatMap { end in start.map { end.timeIntervalSince($0) } } ?? media.end - media.start
        return [
            (approximate == true ? "~" : "") + String(format: "%.3f", score), String(format: "%.1f %%", rank * 100),
            place(start, media.start),
            String(format: "%.0f s", seconds), place(peak, media.peak), stream,
        ]
    }

    /// Formats seconds of a video as a clock time such as 1:02:03.5.
    private static func clock(_ seconds: Double) -> String {
        let tenths = Int((max(0, seconds) * 10).rounded())
        let (hours, minutes, rest) = (tenths / 36_000, tenths / 600 % 60, Double(tenths % 600) / 10)
        return hours > 0
            ? String(format: "%d:%02d:%04.1f", hours, minutes, rest) : String(format: "%d:%04.1f", minutes, rest)
    }
}
