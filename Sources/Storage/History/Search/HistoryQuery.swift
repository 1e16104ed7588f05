/// A search: its texts, and where it looks.
package struct HistoryQuery: Sendable {
    package enum Sort: String, Sendable, CaseIterable { case score, time }

    /// Unit vectors `[width]`: each is searched for by itself, all in one scan.
    package var texts: [[Float]]
    /// The model that made them: rows of others are left out, and counted.
    package var model: String
    package var width: Int
    /// `mean` searches frames; another head the clips that it made.
    package var head = "mean"
    /// Frames of a window; each segment's own, if nil.
    ///
    /// Norms of other lengths are computed while it reads.
    package var frames: Int?
    /// Whether a stream is searched, by its name.
    package var selects: @Sendable (String) -> Bool = { _ in true }
    /// Of a window's end, in seconds since 1970, `to` not included; films have no such times, and are left out.
    package var from: Double?
    package var to: Double?
    /// The same in seconds of media time.
    package var mediaFrom: Double?
    package var mediaTo: Double?
    /// Moments of each text.
    package var limit = 10
    /// The best moments, in the order of their scores, or the newest first.
    package var sort = Sort.score
    /// For many texts at once: the scan sees every fourth window alone (every second, if a window's length is not a
    /// multiple of four), so a moment whose peak is narrow may be missed.
    ///
    /// Scores are exact all the same; moments are marked approximate. With few texts it saves nothing.
    package var isQuick = false
    /// Whether a segment of a stream is left out without a word.
    package var leavesOut: @Sendable (_ stream: String, _ day: Int?) -> Bool = { _, _ in false }
    /// Threads that scan.
    package var threads = 2
    /// Seconds between two moments of a stream, at least.
    package static let apart = 30.0

    package init(texts: [[Float]], model: String, width: Int) {
        (self.texts, self.model, self.width) = (texts, model, width)
    }

    var hasWallSpan: Bool { from != nil || to != nil }
    var hasMediaSpan: Bool { mediaFrom != nil || mediaTo != nil }
}

/// A stretch of history around a peak of a text's score.
package struct HistoryMoment: Sendable, Equatable {
    package var stream: String
    /// The film's path; nil of a stream.
    package var file: String?
    /// Seconds of media time: the stretch, and the end of its best window.
    package var mediaStart: Double
    package var mediaEnd: Double
    package var mediaPeak: Double
    /// Seconds since 1970; 0 of a film.
    package var wallStart: Double
    package var wallEnd: Double
    package var wallPeak: Double
    /// Score of the best window, from both planes of its rows.
    package var score: Float
    package var head: String
    /// Share of the stream's windows that were searched and score less: to 1/2048 of a score.
    package var rank: Double
    /// A quick search or another head chose it: a better one may have been missed.
    package var isApproximate: Bool
    /// Where its best window lies: for those who read its rows.
    package var place: Place

    package struct Place: Sendable, Equatable {
        package var segment: HistoryFolder.Segment
        /// Number of the window's last entry, of those that can be read.
        package var entry: Int
    }
}

/// The result of a search.
package struct HistoryResult: Sendable {
    /// Moments of each text, in the order that was asked for.
    package var moments: [[HistoryMoment]] = []
    package var skips = HistorySkips()
    /// Streams, segments and windows that were looked at, and bytes that were read.
    package var names: Set<String> = []
    package var streams: Int { names.count }
    package var segments = 0
    package var windows = 0
    package var bytes = 0
    package var isCancelled = false
}
