import Segments

/// Finds a text's best moments: scores the windows of its best half minutes exactly until the best are certain.
struct MomentJudge {
    private struct Scored {
        let slot: Candidates.Slot
        let header: SegmentHeader
        let window: ExactWindows.Window

        var time: Double { header.file == nil ? window.wallEnd : window.mediaEnd }
    }

    let text: Int
    let exact: ExactWindows
    let query: HistoryQuery
    /// The greatest difference between a half minute's approximate score and the exact score of its best window.
    let error: Float
    private(set) var skips = HistorySkips()

    init(text: Int, exact: ExactWindows, query: HistoryQuery, error: Float) {
        (self.text, self.exact, self.query, self.error) = (text, exact, query, error)
    }

    /// Returns the best moments in the half minutes `slots`, which are sorted by approximate score, the best first.
    ///
    /// `counts` returns the histogram of scores for the stream of a half minute's file.
    mutating func moments(
        _ slots: [Candidates.Slot], _ scanned: [Int: SegmentScan.Scanned], goesOn: () -> Bool,
        counts: (Int) -> ScoreCounts
    ) -> [HistoryMoment] {
        var scored: [Scored] = []
        var next = 0
        var taken: [Scored] = []
        // Each round scores as many half minutes as there are moments to find, then sorts all of them.
        let round = max(4, query.limit)
        while true {
            taken = apart(scored)
            let rest = next < slots.count ? slots[next].score : -.infinity
            let isSure = taken.count >= query.limit && taken[query.limit - 1].window.score >= rest + error
            // Even if the search is cancelled, the first round is scored.
            if next == slots.count || isSure || next > 0 && !goesOn() { break }
            for slot in slots[next..<min(next + round, slots.count)] {
                if let own = scanned[slot.segment], let one = score(slot, own) { scored.append(one) }
            }
            next = min(next + round, slots.count)
        }
        let moments = taken.prefix(query.limit).compactMap { one in
            scanned[one.slot.segment].map { moment(one, $0, counts(one.slot.segment)) }
        }
        guard query.sort == .time else { return moments }
        return moments.sorted { ($0.wallPeak, $0.mediaPeak) > ($1.wallPeak, $1.mediaPeak) }
    }

    /// Selects the best windows of frames, best first, each at least 30 s from any better one of its stream.
    private func apart(_ scored: [Scored]) -> [Scored] {
        var taken: [Scored] = []
        let ordered = scored.sorted {
            ($0.window.score, $1.time, $1.slot.segment) > ($1.window.score, $0.time, $0.slot.segment)
        }
        for one in ordered where taken.count < query.limit {
            let isNear = taken.contains {
                $0.header.stream == one.header.stream && $0.header.file == one.header.file
                    && abs($0.time - one.time) < HistoryQuery.apart
            }
            if !isNear { taken.append(one) }
        }
        return taken
    }

    private mutating func score(_ slot: Candidates.Slot, _ scanned: SegmentScan.Scanned) -> Scored? {
        let chain: SegmentChain
        do throws(HistoryProblem) { chain = try SegmentChain(scanned.segment, again: scanned.origin) } catch {
            skips.note(error)
            return nil
        }
        if let windows = exact.windows(slot.entries, text, chain, scanned.blocks) {
            return windows.max { $0.score < $1.score }.map {
                Scored(slot: slot, header: chain.header, window: $0)
            }
        }
        skips.note(
            HistoryProblem(.damaged, scanned.segment.path, "rows of a moment cannot be read: it is left out"))
        return nil
    }

    private func moment(_ one: Scored, _ scanned: SegmentScan.Scanned, _ counts: ScoreCounts) -> HistoryMoment {
        let peak = one.window
        var (mediaStart, mediaEnd) = (peak.mediaStart, peak.mediaEnd)
        var (wallStart, wallEnd) = (peak.wallStart, peak.wallEnd)
        if let chain = try? SegmentChain(scanned.segment, again: scanned.origin) {
            let least = (peak.score + counts.median) / 2
            // About as many entries as half a minute has, judged by the window's own half minute.
            let reach = min(1024, max(32, 2 * one.slot.entries.count))
            let around = max(0, peak.ordinal - reach)...peak.ordinal + reach
            let windows = (exact.windows(around, text, chain, scanned.blocks) ?? []).filter { window in
                abs((one.header.file == nil ? window.wallEnd : window.mediaEnd) - one.time) <= HistoryQuery.apart
            }
            if let place = windows.firstIndex(where: { $0.ordinal == peak.ordinal }) {
                let first = windows[..<place].lastIndex { $0.score < least }.map { $0 + 1 } ?? 0
                let last = windows[place...].firstIndex { $0.score < least }.map { $0 - 1 } ?? windows.count - 1
                (mediaStart, wallStart) = (windows[first].mediaStart, windows[first].wallStart)
                (mediaEnd, wallEnd) = (windows[max(last, place)].mediaEnd, windows[max(last, place)].wallEnd)
            }
        }
        let (below, all) = (counts.below(peak.score), counts.total)
        return HistoryMoment(
            stream: one.header.stream, file: one.header.file, mediaStart: mediaStart, mediaEnd: mediaEnd,
            mediaPeak: peak.mediaEnd, wallStart: wallStart, wallEnd: wallEnd, wallPeak: peak.wallEnd,
            score: peak.score, head: query.head, rank: all > 0 ? Double(below) / Double(all) : 0,
            isApproximate: query.isQuick,
            place: HistoryMoment.Place(segment: scanned.segment, entry: peak.ordinal))
    }
}
