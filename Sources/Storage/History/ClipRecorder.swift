/// Writes one lane's clip embeddings, of one head and window length, to segments.
///
/// Belongs to one thread.
final class ClipRecorder {
    private let folder: HistoryFolder
    private let header: SegmentHeader
    private let space: HistorySpace
    private var appender: SegmentAppender?
    private var day = Int.min
    /// Whether nothing came since the last call of `seal`.
    private var isIdle = false

    init(_ folder: HistoryFolder, _ header: SegmentHeader, space: HistorySpace) {
        (self.folder, self.header, self.space) = (folder, header, space)
    }

    /// The number of entries lost on a full disk, in finished segments.
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

    /// Finishes a segment of a day before `today` if nothing came since the last call, so that retention may remove it.
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
