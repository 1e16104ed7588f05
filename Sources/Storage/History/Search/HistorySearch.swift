import CKernels
import Foundation
import Segments
import Synchronization

/// Searches a history for the moments that match texts best.
///
/// A fast scan of the upper bytes of all embeddings finds the best half minutes; their windows are then scored exactly.
/// A moment is the best window of its half minute, at least 30 s from any better moment of its stream. Memory holds,
/// for each file, its best half minutes, the histogram of its scores, the positions of its blocks and, while it is
/// written, its `.tail` file.
package struct HistorySearch: Sendable {
    private let folder: HistoryFolder
    private let now: @Sendable () -> Double

    package init(
        _ folder: HistoryFolder, now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) {
        (self.folder, self.now) = (folder, now)
    }

    /// A history file to search, with its header.
    private struct Source: Sendable {
        let segment: HistoryFolder.Segment
        let header: SegmentHeader
    }
    /// The results of all threads so far.
    private struct Shared {
        var next = 0
        var candidates: [Candidates]
        /// The histograms of scores, by stream, one for each text.
        var counts: [String: [ScoreCounts]] = [:]
        /// The positions of the blocks of each scanned file, by its index.
        var scanned: [Int: SegmentScan.Scanned] = [:]
        var result = HistoryResult()
    }

    /// Searches the history on the caller's thread and others; the caller must not be on the cooperative pool.
    ///
    /// `goesOn` is called often, from any of the threads; once it returns false, the results so far are returned.
    /// `progress` receives the share (0 to 1) of the files' bytes that were scanned.
    package func run(
        _ query: HistoryQuery, goesOn: @escaping @Sendable () -> Bool = { true },
        progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) -> HistoryResult {
        guard !query.texts.isEmpty, query.limit > 0 else { return HistoryResult() }
        let texts = TextBatch(query.texts, width: query.width, isQuick: query.isQuick)
        var skips = HistorySkips()
        let sources = sources(query, &skips)
        let empty = Candidates(most: 3 * query.limit + 8, margin: 2 * texts.error)
        let shared = Mutex(Shared(candidates: [Candidates](repeating: empty, count: texts.count)))
        let total = Double(max(1, sources.reduce(0) { $0 + $1.segment.bytes }))
        let done = Mutex(0.0)
        DispatchQueue.concurrentPerform(iterations: max(1, min(query.threads, sources.count))) { _ in
            let scan = SegmentScan(texts)
            while goesOn(), let place = Self.nextPlace(shared, sources.count) {
                scanOne(sources[place], place, scan, query, texts, shared, goesOn)
                progress(
                    done.withLock {
                        $0 += Double(sources[place].segment.bytes) / total
                        return min(1, $0)
                    })
            }
        }
        var found = shared.withLock { $0 }
        found.result.skips.merge(skips)
        found.result.names = Set(sources.map(\.header.stream))
        found.result.segments = sources.count
        finish(&found, sources, query, texts, goesOn)
        found.result.isCancelled = !goesOn()
        return found.result
    }

    private static func nextPlace(_ shared: borrowing Mutex<Shared>, _ count: Int) -> Int? {
        shared.withLock { shared in
            guard shared.next < count else { return nil }
            shared.next += 1
            return shared.next - 1
        }
    }

    /// Returns the history files that a query searches, the largest first.
    ///
    /// Files that should be searched but cannot be are counted in `skips`.
    private func sources(_ query: HistoryQuery, _ skips: inout HistorySkips) -> [Source] {
        let tomorrow = HistoryFolder.day(at: now()) + 1
        var found: [Source] = []
        for segment in folder.segments() where segment.isFrames == (query.head == "mean") {
            if let day = segment.day, let from = query.from, Double(day + 1) * 86_400 <= from { continue }
            if let day = segment.day, let to = query.to, Double(day) * 86_400 >= to { continue }
            let path = segment.path
            do throws(HistoryProblem) {
                let header = try SegmentReader(path).header
                guard query.selects(header.stream),
                    header.file == nil ? !query.hasMediaSpan : !query.hasWallSpan,
                    header.kind == .frames || header.head == query.head
                else { continue }
                if header.kind == .clips, let frames = query.frames, frames != header.window { continue }
                if let day = segment.day, day > tomorrow {
                    throw HistoryProblem(.future, path, "its day has not come")
                }
                guard header.model == query.model else {
                    throw HistoryProblem(
                        .otherModel, path, "model \(header.model) made it: expected \(query.model)")
                }
                guard header.width == query.width else {
                    throw HistoryProblem(
                        .otherWidth, path, "its rows have width \(header.width): expected \(query.width)")
                }
                found.append(Source(segment: segment, header: header))
            } catch { skips.note(error) }
        }
        return found.sorted { ($0.segment.bytes, $1.segment.path) > ($1.segment.bytes, $0.segment.path) }
    }

    private func scanOne(
        _ source: Source, _ place: Int, _ scan: SegmentScan, _ query: HistoryQuery, _ texts: TextBatch,
        _ shared: borrowing Mutex<Shared>, _ goesOn: () -> Bool
    ) {
        let chain: SegmentChain
        do throws(HistoryProblem) {
            chain = try SegmentChain(
                source.segment, readsLow: BlockScan.needsLow(source.header, query), checksRows: false,
                mapsRows: !query.isQuick)
        } catch {
            shared.withLock { $0.result.skips.note(error) }
            return
        }
        let found = scan.scan(chain, query, goesOn: goesOn)
        let bins = Int(WW_HISTORY_BINS)
        let counts = (0..<texts.count).map { ScoreCounts(scan.counts[$0 * bins..<($0 + 1) * bins]) }
        shared.withLock { shared in
            shared.result.skips.merge(found.skips)
            shared.result.bytes += found.bytes
            shared.result.windows += found.windows
            if var all = shared.counts.removeValue(forKey: source.header.stream) {
                for text in all.indices { all[text].add(counts[text]) }
                shared.counts[source.header.stream] = all
            } else {
                shared.counts[source.header.stream] = counts
            }
            let end = scan.blocks.last.map { $0.first + $0.entries - 1 } ?? 0
            for slot in 0..<found.slots {
                let first = Int(scan.firsts[slot])
                let last = slot + 1 < found.slots ? Int(scan.firsts[slot + 1]) - 1 : end
                for text in 0..<texts.count {
                    let score = scan.best[slot * texts.stride + text]
                    guard score >= shared.candidates[text].floor, score > -.infinity else { continue }
                    shared.candidates[text].add(
                        Candidates.Slot(segment: place, slot: slot, entries: first...max(first, last), score: score))
                }
            }
            shared.scanned[place] = SegmentScan.Scanned(
                segment: source.segment, blocks: scan.blocks, origin: chain.origin)
        }
    }

    /// Computes exact scores in the best half minutes, and adds the best moments of each text to the result.
    private func finish(
        _ found: inout Shared, _ sources: [Source], _ query: HistoryQuery, _ texts: TextBatch,
        _ goesOn: @Sendable () -> Bool
    ) {
        let streams = sources.map(\.header.stream)
        let skips = Mutex(HistorySkips())
        let moments = Mutex([[HistoryMoment]](repeating: [], count: texts.count))
        let (candidates, counts, scanned) = (found.candidates, found.counts, found.scanned)
        let exact = ExactWindows(texts, query)
        DispatchQueue.concurrentPerform(iterations: texts.count) { text in
            var judge = MomentJudge(text: text, exact: exact, query: query, error: texts.error)
            var own = candidates[text]
            own.trim()
            let made = judge.moments(own.slots, scanned, goesOn: goesOn) { segment in
                counts[streams[segment]]?[text] ?? ScoreCounts([])
            }
            skips.withLock { $0.merge(judge.skips) }
            moments.withLock { $0[text] = made }
        }
        found.result.moments = moments.withLock { $0 }
        found.result.skips.merge(skips.withLock { $0 })
    }
}
