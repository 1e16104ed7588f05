/// One lane's clip embeddings of a head and window length on their way into segments.
///
/// Belongs to one thread.
final class ClipRecorder {
    private let folder: HistoryFolder
    private let header: SegmentHeader
    private let room: SegmentAppender.Room
    private var appender: SegmentAppender?
    private var day = Int.min

    init(_ folder: HistoryFolder, _ header: SegmentHeader, room: @escaping SegmentAppender.Room) {
        (self.folder, self.header, self.room) = (folder, header, room)
    }

    /// Entries that were lost since the disk was full, in segments that are done.
    private var lostBefore = 0
    var lost: Int { lostBefore + (appender?.lost ?? 0) }
    var openPath: String? { appender?.path }

    func append(_ clip: HistoryClip) throws(HistoryProblem) {
        try HistoryProblem.refuse(time: clip.mediaEnd, clip.wallEnd, of: clip.stream)
        guard let row = PackedRow(clip.embedding), row.high.count == header.padded else { return }
        let today = HistoryFolder.day(at: clip.wallEnd)
        if appender == nil || today != day {
            try finish()
            appender = try SegmentAppender.open(folder, header, day: today, room: room)
            day = today
        }
        let span = Float(max(0, clip.mediaEnd - clip.mediaStart))
        let entry = HistoryEntry(media: clip.mediaEnd, wall: clip.wallEnd, value: span, flags: [])
        try appender?.append(entry, row, repeats: false)
    }

    func flush() throws(HistoryProblem) { try appender?.flush() }

    func finish() throws(HistoryProblem) {
        defer {
            lostBefore = lost
            appender = nil
        }
        try appender?.finish()
    }
}
