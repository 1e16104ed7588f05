import Segments

/// Writes the clip embeddings of one stream (or region), made by one head with one window length, to history files.
///
/// A head is a model that makes one clip embedding of a window of frames. The object belongs to one thread.
final class ClipEmbeddingRecorder {
    private let folder: HistoryFolder
    private let header: SegmentHeader
    private let space: HistorySpace
    private var appender: SegmentAppender?
    private var day = Int.min
    /// True if no clip was appended since the last call of `seal`.
    private var isIdle = false

    init(_ folder: HistoryFolder, _ header: SegmentHeader, space: HistorySpace) {
        (self.folder, self.header, self.space) = (folder, header, space)
    }

    /// The number of clips that were lost on a full disk, in files that are already finished.
    private var lostBefore = 0
    var lost: Int { lostBefore + (appender?.lost ?? 0) }

    func append(_ clip: HistoryClip) throws(HistoryProblem) {
        try HistoryProblem.refuse(time: clip.mediaEnd, clip.wallEnd, of: clip.stream)
        guard let row = PackedRow(clip.embedding), row.high.count == header.padded else { return }
        isIdle = false
        let today = HistoryFolder.day(at: clip.wallEnd)
        if appender == nil || today != day {
            try finish()
            appender = try SegmentAppender.open(folder, header, day: today, space: space)
            day = today
        }
        let span = Float(max(0, clip.mediaEnd - clip.mediaStart))
        let entry = HistoryEntry(media: clip.mediaEnd, wall: clip.wallEnd, value: span, flags: [])
        try appender?.append(entry, row, repeats: false)
    }

    func flush() throws(HistoryProblem) { try appender?.flush() }

    /// Finishes the file of a day before `today` if no clip was appended since the last call.
    ///
    /// Retention (removal by age or size) can then delete it.
    func seal(before today: Int) throws(HistoryProblem) {
        defer { isIdle = true }
        if isIdle, day < today { try finish() }
    }

    func finish() throws(HistoryProblem) {
        defer {
            lostBefore = lost
            appender = nil
        }
        try appender?.finish()
    }
}
