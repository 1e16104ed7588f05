import Foundation
package import Matching
package import Segments
import SystemSupport

/// Removes the recorded history of some streams: all of it, or a span of time.
///
/// Segments (files of embeddings) within the span are deleted. Others are written again without the span, and replaced;
/// damaged blocks are left out, and a segment with a damaged header is deleted. No window of frames spans the gap
/// afterwards. Pictures are removed as well.
package struct HistoryRemoval: Sendable {
    /// Selects the streams whose history is removed; nil means all.
    package var selector: StreamSelector?
    /// The name of the one stream whose history is removed; nil means that only `selector` decides.
    ///
    /// Films can have names that no selector accepts.
    package var stream: String?
    /// The beginning of the span to remove, in seconds since 1970; nil means from the first frame on.
    ///
    /// `to` is its end, not included. A film has no wall times, and is removed only as a whole, without a span.
    package var from: Double?
    package var to: Double?
    /// Returns the labels of a stream, by which the selector may choose streams.
    package var labels: @Sendable (String) -> [String] = { _ in [] }

    package init(selector: StreamSelector? = nil, stream: String? = nil, from: Double? = nil, to: Double? = nil) {
        (self.selector, self.stream, self.from, self.to) = (selector, stream, from, to)
    }

    package struct Result: Sendable, Equatable {
        /// The number of deleted history files; `rewritten` is the number of those written again in part.
        package var removed = 0
        package var rewritten = 0
        package var entries = 0
        /// The number of deleted pictures.
        package var pictures = 0
        package var skips = HistorySkips()
        package init() {}
    }

    package func selects(_ name: String) -> Bool {
        (stream.map { $0 == name } ?? true) && (selector.map { $0.matches(name, labels: labels(name)) } ?? true)
    }

    /// Returns true if the removal covers a stream at a time in seconds since 1970.
    package func takes(_ stream: String, at wall: Double) -> Bool { selects(stream) && isMeant(wall) }

    private var isWhole: Bool { from == nil && to == nil }
    func isMeant(_ wall: Double) -> Bool { wall >= from ?? -.infinity && wall < to ?? .infinity }

    /// Returns true if a history file of this day may have frames or clips within the span of time to remove.
    ///
    /// `daysBefore` is the number of earlier days from which the file may contain copies. `day` is nil for a film.
    private func reaches(_ day: Int?, daysBefore: Int = 0) -> Bool {
        guard let day else { return isWhole }
        let begin = Double(day - daysBefore) * 86_400
        return Double(day + 1) * 86_400 > from ?? -.infinity && begin < to ?? .infinity
    }

    /// Carries out the removal; the caller holds the history's lock, or is its writer.
    package func run(_ folder: HistoryFolder) -> Result { run(folder, nil) }

    /// Carries out the removal; `space` is the size limit of a history that is being written.
    ///
    /// History files that are written again without the removed span of time count towards it.
    func run(_ folder: HistoryFolder, _ space: HistorySpace?) -> Result {
        var result = Result()
        for path in folder.streamFolders() {
            let name = URL(filePath: path).lastPathComponent
            let found = folder.contents(of: path)
            // The stream to which files with damaged headers belong: named by the folder, or by another file in it.
            let named = stream.flatMap { HistoryFolder.folderName($0) == name ? $0 : nil }
            let owner =
                named ?? HistoryFolder.stream(ofFolder: name)
                ?? found.segments.lazy.compactMap { try? SegmentReader($0.path).header.stream }.first
                ?? found.pictures.lazy.compactMap { try? PictureReader($0.path).header.stream }.first
            for segment in found.segments { remove(segment, owner, space, &result) }
            for file in found.pictures { removePictures(file, owner, space, &result) }
            // Leftovers of a crash are of no use, whatever times they contain.
            if let owner, selects(owner) { for file in found.leftovers { unlink(file.path) } }
            rmdir(path)
        }
        return result
    }

    private func remove(
        _ segment: HistoryFolder.Segment, _ owner: String?, _ space: HistorySpace?, _ result: inout Result
    ) {
        let header: SegmentHeader
        do throws(HistoryProblem) { header = try SegmentReader(segment.path).header } catch {
            // The file is unreadable, so all of it is deleted if it belongs to the stream and to the days of the span.
            // It begins with copies from the end of the previous segment, usually of the day before.
            guard error.kind != .gone, let owner, selects(owner), reaches(segment.day, daysBefore: 1) else {
                return result.skips.note(error)
            }
            return remove(segment, &result)
        }
        guard selects(header.stream) else { return }
        guard !isWhole else { return remove(segment, &result) }
        guard header.file == nil else { return }
        do throws(HistoryProblem) { try rewrite(segment, space, &result) } catch { result.skips.note(error) }
    }

    private func remove(_ segment: HistoryFolder.Segment, _ result: inout Result) {
        if segment.remove() {
            result.removed += 1
        } else {
            result.skips.note(HistoryProblem(.unwritable, segment.path, "it cannot be removed"))
        }
    }

    private func rewrite(
        _ segment: HistoryFolder.Segment, _ space: HistorySpace?, _ result: inout Result
    ) throws(HistoryProblem) {
        // While this segment is protected, retention makes room by deleting others.
        let hold = space?.hold(segment.path)
        defer { withExtendedLifetime(hold) {} }
        guard try isTouched(segment, ownToo: reaches(segment.day)) else { return }
        let part = AtomicFile.Part(of: segment.path)
        let reader = try SegmentChain(segment, readsLow: true)
        let (kept, removed): (Int, Int)
        do throws(HistoryProblem) { (kept, removed) = try copy(reader, to: part.path, space) } catch {
            // Removal has priority: if the rest cannot be kept, the whole segment is deleted.
            result.skips.note(error)
            return remove(segment, &result)
        }
        result.skips.merge(reader.skips)
        result.entries += removed
        guard kept > 0 else { return remove(segment, &result) }
        // The tail's entries are in the new file; if it stayed, they would be read twice.
        unlink(segment.path + ".tail")
        do { try part.publish() } catch {
            throw HistoryProblem(.unwritable, segment.path, "it cannot be replaced: \(error.reason)")
        }
        result.rewritten += 1
    }

    /// Returns true if a history file must be written again: it has frames or clips within the span of time to remove.
    ///
    /// It is also true if the file has unreadable parts or was never finished. If `ownToo` is false, only the copies at
    /// its beginning are examined, which are the end of the previous history file.
    private func isTouched(_ segment: HistoryFolder.Segment, ownToo: Bool) throws(HistoryProblem) -> Bool {
        let reader = try SegmentChain(segment)
        while let block = reader.next() {
            let entries = 0..<block.header.entries
            if entries.contains(where: { isMeant(block.wall[$0]) }) { return true }
            if !ownToo, !entries.allSatisfy({ block.flags($0).isCarried }) { return false }
        }
        return !reader.skips.isEmpty || !reader.isSealed
    }

    /// Copies the frames or clips that are to be kept into a new history file; returns how many were kept and removed.
    private func copy(
        _ reader: SegmentChain, to part: String, _ space: HistorySpace?
    ) throws(HistoryProblem) -> (kept: Int, removed: Int) {
        let writer = try SegmentAppender(making: part, reader.header, space: space)
        var (removed, kept) = (0, 0)
        var since = reader.header.window
        var expected: UInt64?
        while let block = reader.next() {
            // A damaged block leaves a gap, which no window may span.
            if let expected, expected != block.header.sequence { since = 0 }
            expected = block.header.sequence + UInt64(block.header.entries)
            for (entry, row) in block.entries() {
                guard !isMeant(entry.wall) else {
                    removed += 1
                    since = 0
                    continue
                }
                var entry = entry
                if reader.header.kind == .frames {
                    // Frames of this entry's window were removed, so it ends no window.
                    if since < reader.header.window - 1 { entry.value = 0 }
                    if since == 0 { entry.flags.insert(.discontinuity) }
                }
                // After a gap, the row that this entry repeats is missing, so it gets its own.
                let repeats = since > 0 && entry.flags.contains(.gated)
                since += 1
                kept += 1
                try writer.append(entry, row, repeats: repeats)
            }
        }
        try writer.finish()
        return (kept, removed)
    }
}
