import Foundation
package import Matching

/// Removes what a history has of some streams: all of it, or a span.
///
/// Segments that lie within the span are unlinked. Others are written anew without it, beside, and renamed; damaged
/// blocks of theirs are left out. Windows that would span the gap are none any more.
package struct HistoryRemoval: Sendable {
    /// Nil: all streams.
    package var selector: StreamSelector?
    /// One stream by its name, whatever is in it: films have names that no selector takes.
    package var stream: String?
    /// Seconds since 1970; nil has no bound.
    ///
    /// A film has no wall times, and goes whole, when there is no span.
    package var from: Double?
    package var to: Double?

    package init(selector: StreamSelector? = nil, stream: String? = nil, from: Double? = nil, to: Double? = nil) {
        (self.selector, self.stream, self.from, self.to) = (selector, stream, from, to)
    }

    package struct Result: Sendable, Equatable {
        /// Segments that are gone, and those that were written anew.
        package var removed = 0
        package var rewritten = 0
        package var entries = 0
        package var skips = HistorySkips()
        package init() {}
    }

    package func selects(_ name: String) -> Bool {
        (stream.map { $0 == name } ?? true) && (selector.map { $0.matches(name) } ?? true)
    }

    private var isWhole: Bool { from == nil && to == nil }
    private func isMeant(_ wall: Double) -> Bool { wall >= from ?? -.infinity && wall < to ?? .infinity }

    /// Removes; nothing else may write the streams meanwhile: a writer's `remove` sees to that.
    package func run(_ folder: HistoryFolder) -> Result {
        var result = Result()
        for segment in folder.segments() {
            let header: SegmentHeader
            do throws(HistoryProblem) { header = try SegmentReader(segment.path).header } catch {
                result.skips.note(error)
                continue
            }
            guard selects(header.stream) else { continue }
            if isWhole {
                segment.remove()
                result.removed += 1
            } else if header.file == nil {
                do throws(HistoryProblem) { try rewrite(segment, &result) } catch { result.skips.note(error) }
            }
        }
        return result
    }

    private func rewrite(_ segment: HistoryFolder.Segment, _ result: inout Result) throws(HistoryProblem) {
        // A day's segment begins with the end of the day before.
        if let day = segment.day,
            Double(day + 1) * 86_400 <= from ?? -.infinity || Double(day - 1) * 86_400 >= to ?? .infinity
        {
            return
        }
        let part = segment.path + ".part"
        unlink(part)
        let reader = try SegmentChain(segment, readsLow: true)
        var (removed, kept) = (0, 0)
        do throws(HistoryProblem) {
            let writer = try SegmentAppender(making: part, reader.header) { _ in true }
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
                    since += 1
                    kept += 1
                    try writer.append(entry, row, repeats: entry.flags.contains(.gated))
                }
            }
            result.skips.merge(reader.skips)
            try writer.finish()
        } catch {
            unlink(part)
            throw error
        }
        result.entries += removed
        guard removed > 0 else {
            unlink(part)
            return
        }
        if kept == 0 {
            unlink(part)
            segment.remove()
            result.removed += 1
            return
        }
        try replace(segment.path, by: part)
        result.rewritten += 1
    }

    /// Puts a new file in a segment's place, whose tail is in the new one.
    private func replace(_ path: String, by part: String) throws(HistoryProblem) {
        unlink(path + ".tail")
        guard rename(part, path) == 0 else {
            unlink(part)
            throw HistoryProblem(.unwritable, path, "it cannot be replaced: \(String(cString: strerror(errno)))")
        }
    }
}
