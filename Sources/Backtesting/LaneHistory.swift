import Engine
import History
import Segments

/// The recorded frames of one lane (a stream, or a region of one), in order, from all of its files.
///
/// The file of a day (segment) begins with a copy of the previous day's last frames, so that it can be searched alone.
/// Such copies are skipped here. Not Sendable: it belongs to one thread.
struct LaneHistory {
    let name: String
    /// The files of the recording, in order of their day and number.
    let segments: [HistoryFolder.Segment]
    var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// Returns the recordings in a folder that the given model made, ordered by name.
    ///
    /// `selects` decides which streams and regions are read; `days` are the days to read. Files of other models are
    /// noted in `skips`.
    static func all(
        in folder: HistoryFolder, model: String, width: Int, days: ClosedRange<Int>, selects: (String) -> Bool,
        _ skips: inout HistorySkips
    ) -> [LaneHistory] {
        var found: [String: [HistoryFolder.Segment]] = [:]
        for segment in folder.segments() where segment.isFrames {
            guard let day = segment.day, days.contains(day) else { continue }
            do throws(HistoryProblem) {
                let header = try SegmentReader(segment.path).header
                guard header.kind == .frames, header.file == nil, selects(header.stream) else { continue }
                guard header.model == model else {
                    throw HistoryProblem(
                        .otherModel, segment.path, "model \(header.model) made it: expected \(model)")
                }
                guard header.width == width else {
                    throw HistoryProblem(
                        .otherWidth, segment.path, "its rows have width \(header.width): expected \(width)")
                }
                found[header.stream, default: []].append(segment)
            } catch { skips.note(error) }
        }
        return found.map { name, segments in
            LaneHistory(
                name: name, segments: segments.sorted { ($0.day ?? 0, $0.number) < ($1.day ?? 0, $1.number) })
        }.sorted { $0.name < $1.name }
    }

    /// Reads the recorded frames in order and calls `take` with some at a time, until `goesOn` returns false.
    ///
    /// `from` and `to` are in seconds since 1970, `to` not included. The `lead` frames before `from` are read, too, to
    /// fill the first window. Unreadable parts are noted in `skips`.
    func read(
        from: Double, to: Double, lead: Int, _ skips: inout HistorySkips, goesOn: () -> Bool,
        take: ([RecordedFrame]) throws -> Void
    ) throws {
        var order = LaneOrder()
        var before: [RecordedFrame] = []
        for segment in segments {
            let reader: HistoryReader
            do throws(HistoryProblem) { reader = try HistoryReader(segment) } catch {
                skips.note(error)
                continue
            }
            defer { skips.merge(reader.skips) }
            order.begin(day: segment.day ?? 0)
            while goesOn(), let rows = reader.next(where: { $0 < to }) {
                var frames: [RecordedFrame] = []
                frames.reserveCapacity(rows.count)
                for row in rows {
                    guard let isBreak = order.isBreak(row.entry.flags, at: row.entry.wall, continues: row.continues),
                        row.entry.wall < to
                    else { continue }
                    let frame = RecordedFrame(row.entry, row.embedding, lane: name, isDiscontinuity: isBreak)
                    guard frame.wallClock >= from else {
                        if before.count == lead { before.removeFirst(min(1, lead)) }
                        if lead > 0 { before.append(frame) }
                        continue
                    }
                    if !before.isEmpty {
                        frames += before
                        before = []
                    }
                    frames.append(frame)
                }
                if !frames.isEmpty { try take(frames) }
            }
        }
    }
}

extension RecordedFrame {
    init(_ entry: HistoryEntry, _ embedding: [Float]?, lane: String, isDiscontinuity: Bool) {
        self.init(
            lane: lane, embedding: embedding, mediaTime: entry.media, wallClock: entry.wall,
            isDiscontinuity: isDiscontinuity, isRepeat: entry.flags.contains(.gated))
    }
}

/// Steps through the frames of a recording, and finds breaks (gaps between frames) and the ends of full windows.
///
/// The engine sees the same breaks when it runs the recorded frames.
struct LaneWalk {
    struct Step {
        let isBreak: Bool
        let isBlind: Bool
        /// True if a full window of frames ends at this frame.
        let isFull: Bool
    }

    private let frames: Int
    private var order = LaneOrder()
    private var entries = EntryOrder()
    /// The number of frames with a usable picture since the last gap or unusable picture.
    private var since = 0

    /// Prepares to step through a recording from its beginning; `frames` is the number of frames in a window.
    init(frames: Int) { self.frames = frames }

    mutating func begin(_ segment: HistoryFolder.Segment) {
        order.begin(day: segment.day ?? 0)
        entries = EntryOrder()
    }

    mutating func begin(_ block: WindowScan.Block) { entries.begin(continues: block.continues) }

    /// Moves to the next frame; returns nil if it is a copy of an earlier frame.
    mutating func step(_ block: WindowScan.Block, _ entry: Int) -> Step? {
        let flags = block.flags[entry]
        let continues = entries.continues(flags)
        guard let isBreak = order.isBreak(flags, at: block.wall[entry], continues: continues) else { return nil }
        let isBlind = flags.isBlind
        if isBreak || isBlind { since = 0 }
        if !isBlind { since += 1 }
        return Step(isBreak: isBreak, isBlind: isBlind, isFull: !isBlind && since >= frames)
    }
}

/// Joins a recording's files into one sequence that contains each frame once, and finds the breaks in it.
struct LaneOrder {
    /// The time of the newest frame so far, in seconds since 1970.
    private var last = -Double.infinity
    private var day: Int?
    /// True if the first frame in the current file may continue the previous file, of the same day or the day before.
    private var follows = false
    private var isFirst = true
    private var wasBlind = false

    mutating func begin(day: Int) {
        follows = self.day.map { (0...1).contains(day - $0) } ?? false
        self.day = day
        isFirst = true
    }

    /// Returns whether the next frame begins a new sequence; nil if it is a copy of an earlier frame.
    ///
    /// `continues` must be true if the file's previous entry is the previous frame. `wall` is in seconds since 1970.
    mutating func isBreak(_ flags: EntryFlags, at wall: Double, continues: Bool) -> Bool? {
        if flags.isCarried, wall <= last {
            isFirst = false
            return nil
        }
        // After a blind picture (black, frozen or blurred), a new window begins, but an open event goes on.
        let isGap = !continues && !wasBlind && !(isFirst && follows)
        isFirst = false
        wasBlind = flags.isBlind
        last = max(last, wall)
        return flags.isDiscontinuity || isGap
    }
}
