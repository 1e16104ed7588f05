package import CLIP
import Engine
package import Heads
package import History
import Matching

/// A search by a head whose scores a history does not have: one that pairs texts and windows, or was not running.
///
/// The mean head chooses moments, and the windows of their half minutes are replayed by the code that decides live. So
/// scores are the head's own, and a moment that the mean head thinks little of is missed. Where the head was running,
/// its own clips are searched as well.
package struct ReplayedSearch: Sendable {
    /// Moments of the mean head that are replayed, at least.
    package static let candidates = 300

    private let query: EmbeddedQuery
    private let model: ModelDirectory
    private let finder: HeadFinder
    private let pools: Bool

    /// Throws where the head is not there.
    ///
    /// `embedding`: the query's, as the tower gives it; `frames`: of a window of the head.
    package init(
        _ embedding: [Float], head: String, frames: Int, model: ModelDirectory, finder: HeadFinder
    ) throws {
        (self.model, self.finder) = (model, finder)
        pools = try finder.load(head).pools
        // No score reaches it: values alone are asked for.
        let silent = try StandingQuery(
            id: Self.name, text: Self.name, head: head, frames: frames, rule: .score(1e9))
        query = EmbeddedQuery(silent, QueryEmbedding(query: embedding))
    }
    private static let name = "search"

    /// Searches, on the caller's thread and others: not on the cooperative pool.
    ///
    /// Throws where the head cannot be used with the model, or fails.
    package func run(
        _ folder: HistoryFolder, _ asked: HistoryQuery, goesOn: @escaping @Sendable () -> Bool = { true },
        progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) throws -> HistoryResult {
        var mean = asked
        (mean.head, mean.limit, mean.sort) = ("mean", max(Self.candidates, asked.limit), .score)
        var clips: HistoryResult?
        if pools {
            clips = HistorySearch(folder).run(asked, goesOn: goesOn)
        }
        var result = HistorySearch(folder).run(mean, goesOn: goesOn, progress: progress)
        var moments = try replayed(result.moments.first ?? [], asked, &result.skips, goesOn)
        if let clips {
            moments += clips.moments.first ?? []
            result.skips.merge(clips.skips)
            result.names.formUnion(clips.names)
            (result.windows, result.bytes) = (result.windows + clips.windows, result.bytes + clips.bytes)
        }
        result.moments = [moments.best(asked.limit, asked.sort)]
        result.isCancelled = !goesOn()
        return result
    }

    /// The best window near a moment so far; a class, since the replay tells of values while it runs.
    private final class Best {
        var best: Replay.Value?
        var isWanted: (WindowSpan) -> Bool = { _ in true }

        func note(_ value: Replay.Value) {
            if isWanted(value.span), value.value > best?.value ?? -.infinity { best = value }
        }
    }

    private func replayed(
        _ moments: [HistoryMoment], _ asked: HistoryQuery, _ skips: inout HistorySkips, _ goesOn: () -> Bool
    ) throws -> [HistoryMoment] {
        guard !moments.isEmpty else { return [] }
        let replay = try Replay([query], lane: Self.name, model: model, finder: finder, start: 0)
        let best = Best()
        replay.follow(Self.name) { best.note($0) }
        var found: [HistoryMoment] = []
        let scan = WindowScan(asked.texts, width: asked.width, frames: query.query.frames)
        var open: (path: String, frames: MomentFrames)?
        // The search has named them already.
        var again = HistorySkips()
        // A segment is opened once.
        for moment in moments.sorted(by: { $0.place.segment.path < $1.place.segment.path }) where goesOn() {
            let rows: [RecordedFrame]
            do throws(HistoryProblem) {
                let segment = moment.place.segment
                if open?.path != segment.path { open = (segment.path, try MomentFrames(segment, scan, &again)) }
                guard let frames = open?.frames else { continue }
                rows = try self.rows(of: moment, frames)
            } catch {
                skips.note(error)
                continue
            }
            best.best = nil
            best.isWanted = { Self.contains($0, asked, isFilm: moment.file != nil) }
            _ = try replay.take(rows)
            if let value = best.best { found.append(moment.scored(value, by: asked.head)) }
        }
        return found
    }

    /// The frames of the windows that end in the half minute around a moment's peak.
    private func rows(of moment: HistoryMoment, _ frames: MomentFrames) throws(HistoryProblem) -> [RecordedFrame] {
        let (peak, reach) = (moment.file == nil ? moment.wallPeak : moment.mediaPeak, HistoryQuery.apart / 2)
        return try frames.frames(
            around: peak, in: peak - reach..<peak + reach, lead: max(0, query.query.frames - 1), lane: Self.name)
    }

    private static func contains(_ span: WindowSpan, _ asked: HistoryQuery, isFilm: Bool) -> Bool {
        let (from, to) = isFilm ? (asked.mediaFrom, asked.mediaTo) : (asked.from, asked.to)
        let end = isFilm ? span.mediaEnd : span.wallEnd
        return end >= from ?? -.infinity && end < to ?? .infinity
    }
}

extension HistoryMoment {
    /// The same moment with another head's best window.
    fileprivate func scored(_ value: Replay.Value, by head: String) -> HistoryMoment {
        var other = self
        (other.score, other.head, other.isApproximate) = (value.value, head, true)
        (other.mediaPeak, other.wallPeak) = (value.span.mediaEnd, value.span.wallEnd)
        let span = value.span
        (other.mediaStart, other.mediaEnd) = (min(mediaStart, span.mediaStart), max(mediaEnd, span.mediaEnd))
        (other.wallStart, other.wallEnd) = (min(wallStart, span.wallStart), max(wallEnd, span.wallEnd))
        return other
    }
}

extension [HistoryMoment] {
    /// The best, each at least half a minute from any better one of its stream, in the order that was asked for.
    fileprivate func best(_ limit: Int, _ sort: HistoryQuery.Sort) -> [HistoryMoment] {
        var taken: [HistoryMoment] = []
        for one in sorted(by: { ($0.score, $1.wallPeak, $1.mediaPeak) > ($1.score, $0.wallPeak, $0.mediaPeak) }) {
            guard taken.count < limit else { break }
            let isNear = taken.contains {
                $0.stream == one.stream && $0.file == one.file
                    && abs(one.file == nil ? $0.wallPeak - one.wallPeak : $0.mediaPeak - one.mediaPeak)
                        < HistoryQuery.apart
            }
            if !isNear { taken.append(one) }
        }
        guard sort == .time else { return taken }
        return taken.sorted { ($0.wallPeak, $0.mediaPeak) > ($1.wallPeak, $1.mediaPeak) }
    }
}
