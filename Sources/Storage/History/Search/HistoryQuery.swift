/// A search: its texts, and the part of the history to search.
package struct HistoryQuery: Sendable {
    package enum Sort: String, Sendable, CaseIterable { case score, time }

    /// The texts as embeddings of length 1 `[width]`; each is searched for separately, all in one scan.
    package var texts: [[Float]]
    /// The model of the texts: rows of other models are left out, and counted.
    package var model: String
    package var width: Int
    /// The head: `mean` searches frames, another head searches its clip embeddings.
    package var head = "mean"
    /// The number of frames of a window; nil means each segment's own.
    ///
    /// Norms of other lengths are computed while reading.
    package var frames: Int?
    /// Whether a stream is searched, by its name.
    package var selects: @Sendable (String) -> Bool = { _ in true }
    /// The begin of the span of window ends, in seconds since 1970; `to` is not included.
    ///
    /// Films have no wall times, and are left out if there is a bound.
    package var from: Double?
    package var to: Double?
    /// The begin of the span in seconds of media time; `mediaTo` is its end.
    package var mediaFrom: Double?
    package var mediaTo: Double?
    /// The number of moments for each text.
    package var limit = 10
    /// The order of the moments: the best first, or the newest first.
    package var sort = Sort.score
    /// Whether the scan skips windows, for many texts at once; a moment with a narrow peak may then be missed.
    ///
    /// It sees every fourth window (every second, if the window's length is not a multiple of four). Scores are exact
    /// nevertheless; moments are marked approximate. With few texts it saves nothing.
    package var isQuick = false
    /// The number of threads that scan.
    package var threads = 2
    /// The least seconds between two moments of a stream.
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
    /// The film's path; nil for a stream.
    package var file: String?
    /// The stretch's beginning in seconds of media time; `mediaPeak` is the end of its best window.
    package var mediaStart: Double
    package var mediaEnd: Double
    package var mediaPeak: Double
    /// The begin in seconds since 1970; 0 for a film.
    package var wallStart: Double
    package var wallEnd: Double
    package var wallPeak: Double
    /// The score of the best window, from both planes of its rows.
    package var score: Float
    package var head: String
    /// The share of the stream's searched windows that score less, to 1/2048 of a score.
    package var rank: Double
    /// A quick search or another head chose it: a better one may have been missed.
    package var isApproximate: Bool
    /// The position of the moment's best window, for reading its rows.
    package var place: Place

    package struct Place: Sendable, Equatable {
        package var segment: HistoryFolder.Segment
        /// The number of the window's last entry among those that can be read.
        package var entry: Int
    }
}

/// The result of a search.
package struct HistoryResult: Sendable {
    /// The moments of each text, in the requested order.
    package var moments: [[HistoryMoment]] = []
    package var skips = HistorySkips()
    /// The number of streams, segments and windows that were searched, and of bytes read.
    package var names: Set<String> = []
    package var streams: Int { names.count }
    package var segments = 0
    package var windows = 0
    package var bytes = 0
    package var isCancelled = false
}
