package import CLIP
import Engine
package import Heads
package import History
import Matching
import Segments

/// Searches recordings with a head (a model that scores a window of frames) whose scores they do not contain.
///
/// Recordings contain clip embeddings only of pooling heads that were running. So the head `mean`, which averages frame
/// embeddings, chooses candidates, and the other head scores the windows around each of them. A moment to which `mean`
/// gives a low score is missed. If the other head pools, the clip embeddings that it recorded are searched, too.
package struct ReplayedSearch: Sendable {
    /// The least number of moments that the head `mean` (which averages frame embeddings) chooses for scoring.
    package static let candidates = 300

    private let query: EmbeddedQuery
    private let model: ModelDirectory
    private let finder: HeadFinder
    private let pools: Bool

    /// Prepares a search for a text; throws if there is no head (model that scores a window) of this name.
    ///
    /// `embedding` is the text embedding, not normalised. `frames` is the number of frames in a window.
    package init(
        _ embedding: [Float], head: String, frames: Int, model: ModelDirectory, finder: HeadFinder
    ) throws {
        (self.model, self.finder) = (model, finder)
        pools = try finder.load(head).pools
        // The threshold is so high that nothing matches: only scores are needed.
        let silent = try StandingQuery(
            id: Self.name, text: Self.name, head: head, frames: frames, rule: .score(1e9))
        query = EmbeddedQuery(silent, QueryEmbedding(query: embedding))
    }
    private static let name = "search"

    /// Runs the search and waits for the result; must not be called on Swift's cooperative threads.
    ///
    /// `asked` holds the time span, the limit and the order of results. Once `goesOn` returns false, the results so far
    /// are returned. Throws if the head (the model that scores a window) fails or does not fit the model.
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

    /// The window near a search result with the highest score so far; a class, because a callback changes it.
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
        // The search before has noted unreadable parts already, so these notes are dropped.
        var again = HistorySkips()
        // In order of their file, so that each file is opened once.
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

    /// Returns the frames of the windows that end in the half minute around a search result's best time.
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
    /// Returns this search result with the score and times of a window that another head (scoring model) scored.
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
    /// Returns the best search results, at most `limit`, in the order `sort`.
    ///
    /// Results less than half a minute from a better one in the same stream or file are left out.
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
