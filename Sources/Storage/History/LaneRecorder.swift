/// A sampled frame to be stored in a history.
package struct HistoryFrame: Sendable {
    package var stream: String
    /// The image tower's embedding `[d]`; nil if the picture shows nothing, or repeats one without an embedding.
    package var embedding: [Float]?
    /// Media time in seconds.
    package var media: Double
    /// Seconds since 1970; 0 for a film.
    package var wall: Double
    package var isDiscontinuity: Bool
    /// Whether the picture was unchanged, so that the previous frame's embedding applies.
    package var isRepeat: Bool

    package init(
        stream: String, embedding: [Float]?, media: Double, wall: Double, isDiscontinuity: Bool = false,
        isRepeat: Bool = false
    ) {
        (self.stream, self.embedding, self.media, self.wall) = (stream, embedding, media, wall)
        (self.isDiscontinuity, self.isRepeat) = (isDiscontinuity, isRepeat)
    }
}

/// The clip embedding of a window, to be stored in a history.
package struct HistoryClip: Sendable {
    package var stream: String
    package var head: String
    /// The number of frames of the window.
    package var frames: Int
    /// The embedding `[d]`; it is stored with length 1.
    package var embedding: [Float]
    /// The media time of the window's first frame in seconds; `mediaEnd` is that of its last.
    package var mediaStart: Double
    package var mediaEnd: Double
    /// The wall time of the window's last frame, in seconds since 1970.
    package var wallEnd: Double

    package init(
        stream: String, head: String, frames: Int, embedding: [Float], mediaStart: Double, mediaEnd: Double,
        wallEnd: Double
    ) {
        (self.stream, self.head, self.frames, self.embedding) = (stream, head, frames, embedding)
        (self.mediaStart, self.mediaEnd, self.wallEnd) = (mediaStart, mediaEnd, wallEnd)
    }
}

/// Writes one lane's frames to segments: keeps its window, its day, and its open segment.
///
/// Belongs to one thread.
final class LaneRecorder {
    private let folder: HistoryFolder
    private let header: SegmentHeader
    private let space: HistorySpace?
    private var appender: SegmentAppender?
    private var day = Int.min
    private var norms: WindowNorms
    private var last: PackedRow?
    /// The rows since the last break, at most one fewer than a window has; the next day begins with them.
    private var recent: [(entry: HistoryEntry, row: PackedRow)] = []
    /// Whether the next frame cannot continue what was written, because an entry was lost.
    private var isBroken = true
    private(set) var lost = 0
    /// Whether nothing came since the last call of `seal`.
    private var isIdle = false

    /// Makes a recorder; `path` is one segment for all frames, nil means one segment a day.
    init(
        _ folder: HistoryFolder, _ header: SegmentHeader, path: String? = nil, space: HistorySpace? = nil
    ) throws(HistoryProblem) {
        (self.folder, self.header, self.space) = (folder, header, space)
        norms = WindowNorms(length: header.window, padded: header.padded)
        if let path { appender = try SegmentAppender(making: path, header, space: space) }
        isSingle = path != nil
    }
    private let isSingle: Bool

    /// Writes a frame; if that fails, it throws, and continues with the next frame.
    func append(_ frame: HistoryFrame) throws(HistoryProblem) {
        try HistoryProblem.refuse(time: frame.media, frame.wall, of: frame.stream)
        isIdle = false
        var flags: EntryFlags = frame.isDiscontinuity || isBroken ? .discontinuity : []
        if frame.isDiscontinuity || isBroken { breakWindow() }
        isBroken = false
        // After a loss, or where the row before was none, it has a row of its own.
        let isRepeat = frame.isRepeat && last != nil
        var row = isRepeat ? last : frame.embedding.flatMap { PackedRow($0) }
        if row == nil || row?.high.count != header.padded {
            row = nil
            flags.insert(.blind)
            breakWindow()
        } else if isRepeat {
            flags.insert(.gated)
        }
        // Also where it is lost: what repeats it repeats this picture.
        last = row
        let segment = try segment(at: frame.wall)
        let value = row.map { norms.push(high: $0.high, low: $0.low, scale: $0.scale) } ?? 0
        let entry = HistoryEntry(media: frame.media, wall: frame.wall, value: value, flags: flags)
        if let row { remember(entry, row) }
        try writing(segment) { () throws(HistoryProblem) in
            try segment.append(entry, row, repeats: isRepeat)
        }
    }

    func flush() throws(HistoryProblem) {
        if let appender { try writing(appender) { () throws(HistoryProblem) in try appender.flush() } }
    }

    /// Finishes a segment of a day before `today` if nothing came since the last call, so that retention may remove it.
    ///
    /// The window is kept: the next segment begins with it.
    func seal(before today: Int) throws(HistoryProblem) {
        defer { isIdle = true }
        if isIdle, day < today, let appender {
            self.appender = nil
            try writing(appender) { () throws(HistoryProblem) in try appender.finish() }
        }
    }

    /// Finishes the segment; the next frame begins a new window.
    func finish() throws(HistoryProblem) {
        defer {
            appender = nil
            day = .min
            isBroken = true
        }
        if let appender { try writing(appender) { () throws(HistoryProblem) in try appender.finish() } }
    }

    private func breakWindow() {
        norms.clear()
        recent.removeAll(keepingCapacity: true)
    }

    private func remember(_ entry: HistoryEntry, _ row: PackedRow) {
        guard header.window > 1, !isSingle else { return }
        if recent.count == header.window - 1 { recent.removeFirst() }
        recent.append((entry, row))
    }

    /// Runs `body`; if it loses entries, these are counted, and the next frame begins a new window.
    private func writing(_ segment: SegmentAppender, _ body: () throws(HistoryProblem) -> Void) throws(HistoryProblem) {
        let before = segment.lost
        do throws(HistoryProblem) { try body() } catch {
            lost += segment.lost - before
            isBroken = true
            throw error
        }
    }

    /// The segment of the day of `wall`.
    ///
    /// A new segment begins with copies of the window's last frames, so that windows continue over midnight.
    private func segment(at wall: Double) throws(HistoryProblem) -> SegmentAppender {
        let today = HistoryFolder.day(at: wall)
        if let appender, isSingle || today == day { return appender }
        do throws(HistoryProblem) {
            let carried = recent
            if let appender {
                self.appender = nil
                try writing(appender) { () throws(HistoryProblem) in try appender.finish() }
            }
            var header = header
            header.created = Double(today) * 86_400
            let opened = try SegmentAppender.open(folder, header, day: today, space: space)
            lost += opened.lost
            for (entry, row) in carried {
                var entry = entry
                entry.value = 0
                entry.flags = [.carried]
                try opened.append(entry, row, repeats: false)
            }
            (appender, day) = (opened, today)
            return opened
        } catch {
            isBroken = true
            lost += 1
            throw error
        }
    }
}
