package import Segments

/// A search of a history: the embeddings of its texts, and the part of the history to search.
package struct HistoryQuery: Sendable {
    package enum Sort: String, Sendable, CaseIterable { case score, time }

    /// The embeddings of the texts, of length 1 `[width]`; a search finds moments for each text separately.
    package var texts: [[Float]]
    /// The identity of the model that embedded the texts; recorded embeddings of other models are left out and counted.
    package var model: String
    package var width: Int
    /// The name of the head, which is the model that scores windows.
    ///
    /// `mean` searches the recorded frames, another head the clip embeddings that it made while it ran.
    package var head = "mean"
    /// The number of frames in a window; nil means the length with which each file was recorded.
    ///
    /// For other lengths, the windows' norms are computed while reading.
    package var frames: Int?
    /// Returns true if the stream with this name is to be searched.
    package var selects: @Sendable (String) -> Bool = { _ in true }
    /// The beginning of the span in which windows of frames must end, in seconds since 1970; nil means unbounded.
    ///
    /// `to` is the span's end, not included. Films have no wall times, and are left out if there is a bound.
    package var from: Double?
    package var to: Double?
    /// The beginning of the span in which windows of a film's frames must end, in seconds of media time; nil:
    /// unbounded.
    ///
    /// `mediaTo` is the span's end, not included; nil: unbounded.
    package var mediaFrom: Double?
    package var mediaTo: Double?
    /// The greatest number of moments (stretches of the recording that match) to return for each text.
    package var limit = 10
    /// The order of the returned moments: by score, the best first, or by time, the newest first.
    package var sort = Sort.score
    /// True if the search may skip windows of frames, to be faster with many texts; it may then miss narrow peaks.
    ///
    /// It sees every fourth window (every second, if the window's length is not a multiple of four). The scores of the
    /// moments found are exact nevertheless; moments are marked approximate. With few texts it saves nothing.
    package var isQuick = false
    /// The number of threads that scan the history.
    package var threads = 2
    /// The least number of seconds between two moments that a search returns for the same stream.
    package static let apart = 30.0

    package init(texts: [[Float]], model: String, width: Int) {
        (self.texts, self.model, self.width) = (texts, model, width)
    }

    var hasWallSpan: Bool { from != nil || to != nil }
    var hasMediaSpan: Bool { mediaFrom != nil || mediaTo != nil }
}

/// A moment that a search found: a stretch of time around the window of frames with the best score for a text.
package struct HistoryMoment: Sendable, Equatable {
    package var stream: String
    /// The path of the film in which the moment is; nil if it is in a stream.
    package var file: String?
    /// The beginning of the moment in seconds of media time; `mediaPeak` is the end of its best window of frames.
    package var mediaStart: Double
    package var mediaEnd: Double
    package var mediaPeak: Double
    /// The beginning of the moment in seconds since 1970; 0 for a film.
    package var wallStart: Double
    package var wallEnd: Double
    package var wallPeak: Double
    /// The score of the moment's best window of frames, computed exactly from the stored embeddings.
    package var score: Float
    package var head: String
    /// The share (0 to 1) of the stream's searched windows that score less than this moment.
    ///
    /// Scores are compared in steps of 1/2048.
    package var rank: Double
    /// True if a quick search or another model chose the moment, so that a better one may have been missed.
    package var isApproximate: Bool
    /// The position of the moment's best window of frames in the history's files, for reading its embeddings.
    package var place: Place

    package struct Place: Sendable, Equatable {
        package var segment: HistoryFolder.Segment
        /// The number of the last frame of the moment's best window, among the readable frames of the file.
        package var entry: Int
    }
}

/// The result of a search of a history.
package struct HistoryResult: Sendable {
    /// The moments that were found for each text, in the requested order.
    package var moments: [[HistoryMoment]] = []
    package var skips = HistorySkips()
    /// The names of the searched streams.
    ///
    /// `segments` is the number of searched files, `windows` the number of scored windows, `bytes` the number of bytes
    /// read.
    package var names: Set<String> = []
    package var streams: Int { names.count }
    package var segments = 0
    package var windows = 0
    package var bytes = 0
    package var isCancelled = false
}
