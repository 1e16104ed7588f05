import Foundation
package import Matching
import SystemSupport

/// Removes the history of some streams: all of it, or a span of time.
///
/// Segments within the span are deleted. Others are written anew without the span, then renamed; damaged blocks are
/// left out, and a segment with a damaged header is deleted. Windows across the gap no longer exist. Pictures are
/// removed, too.
package struct HistoryRemoval: Sendable {
    /// The streams to remove; nil means all.
    package var selector: StreamSelector?
    /// The name of the one stream to remove, whatever characters it has: films have names that no selector accepts.
    package var stream: String?
    /// The begin of the span, in seconds since 1970; nil is unbounded.
    ///
    /// A film has no wall times, and is removed only as a whole, without a span.
    package var from: Double?
    package var to: Double?
    /// The labels of a stream, for the selector.
    package var labels: @Sendable (String) -> [String] = { _ in [] }

    package init(selector: StreamSelector? = nil, stream: String? = nil, from: Double? = nil, to: Double? = nil) {
        (self.selector, self.stream, self.from, self.to) = (selector, stream, from, to)
    }

    package struct Result: Sendable, Equatable {
        /// The number of deleted segments; `rewritten` is that of segments written anew.
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

    /// Whether the removal covers a stream at a time in seconds since 1970.
    package func takes(_ stream: String, at wall: Double) -> Bool { selects(stream) && isMeant(wall) }

    private var isWhole: Bool { from == nil && to == nil }
    func isMeant(_ wall: Double) -> Bool { wall >= from ?? -.infinity && wall < to ?? .infinity }

    /// Whether a segment of a day may have entries of the span, its own or those of up to `daysBefore` days before.
    private func reaches(_ day: Int?, daysBefore: Int = 0) -> Bool {
        guard let day else { return isWhole }
        let begin = Double(day - daysBefore) * 86_400
        return Double(day + 1) * 86_400 > from ?? -.infinity && begin < to ?? .infinity
    }

    /// Removes; the caller holds the history's lock, or is its writer.
    package func run(_ folder: HistoryFolder) -> Result { run(folder, nil) }

    /// Removes; rewritten segments are counted in `space`, the bound of a history that is being written.
    func run(_ folder: HistoryFolder, _ space: HistorySpace?) -> Result {
        var result = Result()
        for path in folder.streamFolders() {
            let name = URL(filePath: path).lastPathComponent
            let found = folder.contents(of: path)
            // The stream of files whose headers do not hold: as the folder's name says, or another file of it.
            let named = stream.flatMap { HistoryFolder.folderName($0) == name ? $0 : nil }
            let owner =
                named ?? HistoryFolder.stream(ofFolder: name)
                ?? found.segments.lazy.compactMap { try? SegmentReader($0.path).header.stream }.first
                ?? found.pictures.lazy.compactMap { try? PictureReader($0.path).header.stream }.first
            for segment in found.segments { remove(segment, owner, space, &result) }
            for file in found.pictures { removePictures(file, owner, space, &result) }
            // What a crash left is of no use, whatever times it has.
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
            // Nothing can be taken out of it: if it is the stream's and of the span's days, all of it goes.
            // It begins with the end of the segment before, of the day before as a rule.
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
        // Room for what is kept is made of other segments.
        let hold = space?.hold(segment.path)
        defer { withExtendedLifetime(hold) {} }
        guard try isTouched(segment, ownToo: reaches(segment.day)) else { return }
        let part = AtomicFile.Part(of: segment.path)
        let reader = try SegmentChain(segment, readsLow: true)
        let (kept, removed): (Int, Int)
        do throws(HistoryProblem) { (kept, removed) = try copy(reader, to: part.path, space) } catch {
            // To remove comes first: what was to be kept goes, too.
            result.skips.note(error)
            return remove(segment, &result)
        }
        result.skips.merge(reader.skips)
        result.entries += removed
        guard kept > 0 else { return remove(segment, &result) }
        // Its entries are in the new file; beside it they would come back.
        unlink(segment.path + ".tail")
        do { try part.publish() } catch {
            throw HistoryProblem(.unwritable, segment.path, "it cannot be replaced: \(error.reason)")
        }
        result.rewritten += 1
    }

    /// Whether a segment has entries of the span, unreadable parts, or was never finished.
    ///
    /// If not `ownToo`, only the copies at its beginning are examined, which are the end of the previous segment.
    private func isTouched(_ segment: HistoryFolder.Segment, ownToo: Bool) throws(HistoryProblem) -> Bool {
        let reader = try SegmentChain(segment)
        while let block = reader.next() {
            let entries = 0..<block.header.entries
            if entries.contains(where: { isMeant(block.wall[$0]) }) { return true }
            if !ownToo, !entries.allSatisfy({ block.flags($0).contains(.carried) }) { return false }
        }
        return !reader.skips.isEmpty || !reader.isSealed
    }

    /// Copies the entries to keep into a new segment; returns the numbers of kept and of removed entries.
    private func copy(
        _ reader: SegmentChain, to part: String, _ space: HistorySpace?
    ) throws(HistoryProblem) -> (kept: Int, removed: Int) {
        let writer = try SegmentAppender(making: part, reader.header, space: space)
        var (removed, kept) = (0, 0)
        var since = reader.header.window
        var expected: UInt64?
        while let block = reader.next() {
            // A block that did not hold leaves a gap, which no window may span.
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
                    // Its window has frames that are gone.
                    if since < reader.header.window - 1 { entry.value = 0 }
                    if since == 0 { entry.flags.insert(.discontinuity) }
                }
                // After a gap the row that it repeats is not there.
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
