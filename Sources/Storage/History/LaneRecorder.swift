import Segments

/// A frame sampled from a stream or film, to be stored in a history.
package struct HistoryFrame: Sendable {
    package var stream: String
    /// The image embedding `[d]` of the frame; nil if the picture shows nothing, or repeats one without an embedding.
    package var embedding: [Float]?
    /// The frame's media time in seconds.
    package var media: Double
    /// The frame's wall time in seconds since 1970; 0 for a film.
    package var wall: Double
    package var isDiscontinuity: Bool
    /// True if the picture was unchanged, so that the previous frame's embedding applies.
    package var isRepeat: Bool

    package init(
        stream: String, embedding: [Float]?, media: Double, wall: Double, isDiscontinuity: Bool = false,
        isRepeat: Bool = false
    ) {
        (self.stream, self.embedding, self.media, self.wall) = (stream, embedding, media, wall)
        (self.isDiscontinuity, self.isRepeat) = (isDiscontinuity, isRepeat)
    }
}

/// The clip embedding that a head (a model) made from a window of frames, to be stored in a history.
package struct HistoryClip: Sendable {
    package var stream: String
    package var head: String
    /// The number of frames in the window.
    package var frames: Int
    /// The clip embedding `[d]`; it is stored with length 1.
    package var embedding: [Float]
    /// The media time in seconds of the first frame of the window; `mediaEnd` is that of its last frame.
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

/// Writes the frames of one lane (a stream or a region of one, or a film) to history files.
///
/// It begins a new file each day, with copies of the last frames, for windows of frames that span midnight. The object
/// belongs to one thread.
final class LaneRecorder {
    private let folder: HistoryFolder
    private let header: SegmentHeader
    private let space: HistorySpace?
    private var appender: SegmentAppender?
    private var day = Int.min
    private var norms: WindowNorms
    private var last: PackedRow?
    /// The last frames since a gap, one fewer than a window has; copies of them begin the next day's file.
    private var recent: [(entry: HistoryEntry, row: PackedRow)] = []
    /// True if the next frame cannot continue the previous one, because an entry was lost or a file was finished.
    private var isBroken = true
    private(set) var lost = 0
    /// True if no frame was appended since the last call of `seal`.
    private var isIdle = false

    /// Makes a recorder for frames; `path` is the one file for all of them, nil means one file a day.
    init(
        _ folder: HistoryFolder, _ header: SegmentHeader, path: String? = nil, space: HistorySpace? = nil
    ) throws(HistoryProblem) {
        (self.folder, self.header, self.space) = (folder, header, space)
        norms = WindowNorms(length: header.window, padded: header.padded)
        if let path { appender = try SegmentAppender(making: path, header, space: space) }
        isSingle = path != nil
    }
    private let isSingle: Bool

    /// Writes a frame; if that fails, it throws, and can continue with the next frame.
    func append(_ frame: HistoryFrame) throws(HistoryProblem) {
        try HistoryProblem.refuse(time: frame.media, frame.wall, of: frame.stream)
        isIdle = false
        var flags: EntryFlags = frame.isDiscontinuity || isBroken ? .discontinuity : []
        if frame.isDiscontinuity || isBroken { breakWindow() }
        isBroken = false
        // After a lost frame, or one without an embedding, the frame gets a row of its own.
        let isRepeat = frame.isRepeat && last != nil
        var row = isRepeat ? last : frame.embedding.flatMap { PackedRow($0) }
        if row == nil || row?.high.count != header.padded {
            row = nil
            flags.insert(.blind)
            breakWindow()
        } else if isRepeat {
            flags.insert(.gated)
        }
        // `last` is set even if writing fails, because the next repeated frame repeats this picture.
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

    /// Finishes the file of a day before `today` if no frame was appended since the last call.
    ///
    /// Retention (removal by age or size) can then delete it. The next file begins with copies of the last frames.
    func seal(before today: Int) throws(HistoryProblem) {
        defer { isIdle = true }
        if isIdle, day < today, let appender {
            self.appender = nil
            try writing(appender) { () throws(HistoryProblem) in try appender.finish() }
        }
    }

    /// Finishes the current file; no window of frames spans the next frame and those before it.
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

    /// Runs `body`; if it throws, counts the frames that `segment` (a history file) lost.
    ///
    /// Then no window of frames spans the next frame and those before it.
    private func writing(_ segment: SegmentAppender, _ body: () throws(HistoryProblem) -> Void) throws(HistoryProblem) {
        let before = segment.lost
        do throws(HistoryProblem) { try body() } catch {
            lost += segment.lost - before
            isBroken = true
            throw error
        }
    }

    /// Returns the open history file for the UTC day of `wall`, which is in seconds since 1970.
    ///
    /// A new file begins with copies of the window's last frames, so that windows continue over midnight.
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
