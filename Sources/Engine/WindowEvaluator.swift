import CLIP
import Foundation
import Matching
import Measures
import Sampling

/// Decides which windows match which queries: has windows scored, compares scores with thresholds, follows events.
///
/// The windows of each lane (a stream or region) are judged in order. If a lower precision cannot decide a match, the
/// window is scored again in float32, which may take several calls; until then, all later steps of its lane wait. Only
/// the engine or a replay uses it.
final class WindowEvaluator {
    /// One step of a lane (a stream or region); a lane's steps are performed in order.
    enum Action {
        case window(PendingWindow)
        /// A frame whose picture is black, frozen or blurred.
        case blind(WindowSpan)
        /// All windows that end with a frame were judged; the span is that of the longest window.
        case settle(WindowSpan)
        /// The next frame does not continue the last one.
        case close
        case end
    }

    /// A lane (a stream or region) that waits for a window's float32 scores.
    private struct Waiting {
        let lane: Lane
        /// The steps of this stream or region that are not performed yet, beginning with the waiting window.
        var actions: [Action]
        let since: ContinuousClock.Instant
    }

    /// The number of calls of `take` after which the next frame of `sample` is embedded in float32.
    static let pace = 16
    /// The longest time that a stream or region waits for float32 scores; then its windows are decided without them.
    ///
    /// It may also wait for other streams, so this holds even if frames are not late. (With 40 cameras whose windows
    /// were all too close to a threshold, one frame in a hundred waited over 3 s.)
    static let patience = Duration.milliseconds(500)

    private let book: QueryBook
    private let exact: ExactEncoder?
    private let model: String
    private let scoring: Scoring
    private let calibration: CalibrationSettings
    private let rerank: Int
    private let isLive: Bool
    private let now: @Sendable () -> ContinuousClock.Instant
    private var rest = HeadCircuitBreaker()
    /// The streams and regions that wait for float32 scores, the longest waiting first.
    private var waiting: [Waiting] = []
    /// A window that is scored again only to measure the error of scores; nil if there is none.
    private var sample: (window: PendingWindow, output: HeadOutput)?
    private var turns = 0
    /// Histograms of the scores that heads (models that score windows) computed, by head.
    private(set) var scoreHistograms: [String: Histogram] = [:]
    /// True if each stream and region keeps its window embeddings of the last hour, for explanations.
    var remembersHour = true
    /// Called with each score and decision of an active query, even one that the search index did not find; nil if not
    /// needed.
    var onJudgement: ((WindowJudgement) -> Void)?

    init(
        _ book: QueryBook, exact: ExactEncoder?, model: String, scoring: Scoring, calibration: CalibrationSettings,
        rerank: Int, isLive: Bool, now: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        (self.book, self.exact, self.model, self.scoring) = (book, exact, model, scoring)
        (self.calibration, self.rerank, self.isLive, self.now) = (calibration, rerank, isLive, now)
    }

    /// Performs the waiting steps of all streams and regions as far as possible, then the new ones.
    ///
    /// Adds events, scores and counters to `step`.
    func take(_ actions: [(lane: Lane, action: Action)], _ step: inout BatchResult) {
        let time = now()
        for place in waiting.indices { resume(&waiting[place], at: time, &step) }
        waiting.removeAll { $0.actions.isEmpty }
        for (lane, action) in actions {
            if let place = waiting.firstIndex(where: { $0.lane === lane }) {
                waiting[place].actions.append(action)
            } else if !perform(action, lane, &step) {
                waiting.append(Waiting(lane: lane, actions: [action], since: time))
            }
        }
        step.waits = !waiting.isEmpty
        turns += 1
        if turns % Self.pace == 0 { takeSample(&step) }
    }

    private func resume(_ waiting: inout Waiting, at time: ContinuousClock.Instant, _ step: inout BatchResult) {
        var left = waiting.actions[...]
        while let action = left.first {
            if !perform(action, waiting.lane, &step) {
                guard time - waiting.since > Self.patience else { break }
                giveUp(action, &step)
                _ = perform(action, waiting.lane, &step)
            }
            left.removeFirst()
        }
        waiting.actions = Array(left)
    }

    /// Ends a lane (a stream or region): waiting windows are decided without float32, and open events end.
    func leave(_ lane: Lane, _ step: inout BatchResult) {
        if let place = waiting.firstIndex(where: { $0.lane === lane }) {
            for action in waiting.remove(at: place).actions where !perform(action, lane, &step) {
                giveUp(action, &step)
                _ = perform(action, lane, &step)
            }
        }
        step.detections += lane.close(book, model: model)
    }

    /// Discards the waiting steps of a lane (a stream or region).
    func forget(_ lane: Lane) { waiting.removeAll { $0.lane === lane } }

    /// Gives up scoring a waiting window in float32, and counts it as undecided.
    private func giveUp(_ action: Action, _ step: inout BatchResult) {
        guard case .window(let window) = action else { return }
        window.rescoring = .done
        step.undecided += 1
    }

    /// Performs one step of a lane (a stream or region); returns false if it must wait for float32 scores.
    private func perform(_ action: Action, _ lane: Lane, _ step: inout BatchResult) -> Bool {
        switch action {
        case .window(let window):
            guard let group = book.groups[window.key] else { break }
            guard let output = window.output else {
                blind(lane, window.span, [window.key], &step)
                break
            }
            return decide(window, output, group, &step)
        case .blind(let span): blind(lane, span, book.groups.keys, &step)
        case .settle(let span):
            step.detections += lane.settle(span, book, model: model)
            step.settled.append(span.wallEnd)
        case .close: step.detections += lane.close(book, model: model)
        case .end:
            step.detections += lane.close(book, model: model)
            step.ended.append(lane.name)
        }
        return true
    }

    // MARK: Windows

    /// Scores a batch of windows with their head (scoring model); returns nothing if it fails, or took too long
    /// recently.
    func runHead(on batch: WindowBatch, _ step: inout BatchResult) -> [HeadOutput] {
        let (key, began) = (batch.key, now())
        guard !batch.windows.isEmpty, let group = book.groups[key], !(isLive && rest.rests(key.head, at: began)) else {
            return []
        }
        var outputs: [HeadOutput] = []
        do {
            outputs = try group.runHead(on: batch, rerank: rerank)
        } catch {
            step.failures.append(HeadFailure(head: key.head, reason: "\(error)", cause: error))
        }
        let took = now() - began
        if isLive, let pause = rest.note(key.head, took: took, at: began + took) {
            let reason = String(
                format: "head %@ took %.1f s for %d windows; it is not asked for %.0f s", key.head, took / .seconds(1),
                batch.windows.count, pause / .seconds(1))
            step.failures.append(HeadFailure(head: key.head, reason: reason))
        }
        return outputs
    }

    private func decide(_ window: PendingWindow, _ output: HeadOutput, _ group: QueryGroup, _ step: inout BatchResult)
        -> Bool
    {
        var known: [Concerned]?
        guard let output = rescoredIfNeeded(window, output, group, &known, &step) else { return false }
        let (key, lane) = (window.key, window.lane)
        step.scored += 1
        scoreHistograms[key.head, default: group.scores == .logits ? .logits : .cosines].add(
            output.found.lazy.map { Double($0.score) })
        lane.advance(to: window.span)
        let concerned = known ?? self.concerned(window, output, group)
        for (standing, found) in concerned {
            let judgement = found.map { judge(standing, $0, group, lane, &step) } ?? .blind(standing)
            step.detections += lane.observe(standing, judgement, window.span, window.still, model: model)
            onJudgement?(
                WindowJudgement(
                    standing, found, judgement, window.span, lane, group.scoring(scoring), group.scores))
        }
        if let onJudgement { reportOthers(than: concerned.map(\.standing), window, output, group, onJudgement) }
        if step.wantsScores { step.scores += allScores(output, group, window.span, lane) }
        if !step.watching.isEmpty { step.watched += watchedScores(step.watching, window, output, group) }
        if !group.pairs, remembersHour {
            let clip = output.clip
            lane.histories[key, default: WindowHistory(width: clip.count)].append(clip[...], at: lane.clock)
        }
        return true
    }

    /// A query that may match a window or has an event in progress, with its score; nil if it is not scored.
    private typealias Concerned = (standing: RegisteredQuery, found: Found?)

    private func concerned(_ window: PendingWindow, _ output: HeadOutput, _ group: QueryGroup) -> [Concerned] {
        var others = Set(window.lane.inMotion(window.key))
        var concerned: [(RegisteredQuery, Found?)] = []
        // Queries that were removed or changed since the head scored the window are left out, unless the new version
        // matches the same windows.
        for found in output.found {
            guard let standing = book[found.standing.slot], standing.isWatched, standing.decidesLike(found.standing)
            else { continue }
            others.remove(standing.slot)
            concerned.append(
                (standing, Found(standing: standing, score: found.score, contrasts: found.contrasts)))
        }
        return concerned + others.sorted().compactMap { book[$0] }.map { ($0, group.score($0, output.clip)) }
    }

    /// Calls `report` with the scores of active queries that were too low for the search index to find.
    private func reportOthers(
        than concerned: [RegisteredQuery], _ window: PendingWindow, _ output: HeadOutput, _ group: QueryGroup,
        _ report: (WindowJudgement) -> Void
    ) {
        let known = Set(concerned.map(\.slot))
        for standing in group.members(below: WindowJudgement.mostQueries) where !known.contains(standing.slot) {
            guard standing.isWatched, standing.selects(window.lane), let threshold = standing.query.rule.fixedThreshold,
                let found = group.score(standing, output.clip)
            else { continue }
            let scoring = group.scoring(scoring)
            let judgement = Judgement(value: standing.value(of: found, scoring: scoring), threshold: threshold)
            report(WindowJudgement(standing, found, judgement, window.span, window.lane, scoring, group.scores))
        }
    }

    private func judge(
        _ standing: RegisteredQuery, _ found: Found, _ group: QueryGroup, _ lane: Lane, _ step: inout BatchResult
    ) -> Judgement {
        switch standing.query.rule {
        case .score(let threshold), .contrast(_, let threshold):
            return Judgement(value: standing.value(of: found, scoring: group.scoring(scoring)), threshold: threshold)
        case .budget(let alerts):
            let (judgement, change) = lane.learn(standing, found.score, alerts, calibration)
            if let change { step.thresholds.append(change) }
            return judgement
        }
    }

    /// Treats an unusable frame as a window that does not match, for the queries with a match or event in progress.
    private func blind(_ lane: Lane, _ span: WindowSpan, _ keys: some Sequence<GroupKey>, _ step: inout BatchResult) {
        for key in keys {
            for slot in lane.inMotion(key).sorted() {
                guard let standing = book[slot] else { continue }
                step.detections += lane.observe(standing, .blind(standing), span, Still(nil), model: model)
            }
        }
    }

    /// Returns the window's score for each active query with this head and window length.
    func allScores(_ output: HeadOutput, _ group: QueryGroup, _ span: WindowSpan, _ lane: Lane) -> [WindowScore] {
        let known = Dictionary(output.found.map { ($0.standing.slot, $0.score) }, uniquingKeysWith: { $1 })
        return group.members.filter { $0.isWatched && $0.selects(lane) }.map { standing in
            WindowScore(
                stream: lane.name, span: span, query: standing.query.id, text: standing.query.text,
                head: standing.query.head, score: known[standing.slot] ?? group.score(standing, output.clip)?.score)
        }
    }

    /// Returns the window's values for those queries in `ids` that score this window and select this stream or region.
    private func watchedScores(
        _ ids: Set<String>, _ window: PendingWindow, _ output: HeadOutput, _ group: QueryGroup
    ) -> [WatchedScore] {
        let lane = window.lane
        return ids.sorted().compactMap { id in
            guard let standing = book[id], standing.key == window.key, standing.isWatched, standing.selects(lane),
                let found = output.found.first(where: { $0.standing.slot == standing.slot })
                    ?? group.score(standing, output.clip)
            else { return nil }
            return WatchedScore(
                query: id, lane: lane.name, at: window.span.wallEnd,
                value: standing.value(of: found, scoring: group.scoring(scoring)),
                threshold: standing.query.rule.fixedThreshold ?? lane.calibrations[standing.slot]?.threshold)
        }
    }

    // MARK: Float32

    /// Returns the scores of a window, computed in float32 if necessary; nil if the window must wait for that.
    ///
    /// `known` becomes the queries that the scores concern, if they had to be found for that.
    private func rescoredIfNeeded(
        _ window: PendingWindow, _ output: HeadOutput, _ group: QueryGroup, _ known: inout [Concerned]?,
        _ step: inout BatchResult
    ) -> HeadOutput? {
        guard let exact, let error = group.error?.most else { return output }
        if case .undecided = window.rescoring {
            let concerned = self.concerned(window, output, group)
            known = concerned
            window.rescoring = planRescoring(
                window, output, group, isNeeded: needsRescoring(window, concerned, group, error), exact, &step)
        }
        guard case .due(let isApart) = window.rescoring else { return output }
        guard let embedded = embed(window, exact, &step) else { return nil }
        window.rescoring = .done
        guard let again = runHead(on: embedded, &step).first else { return output }
        if isApart { group.measure(output, again) }
        step.rescored += 1
        known = nil
        return again
    }

    /// Returns true if a query's score is too close to its threshold to trust the lower precision.
    private func needsRescoring(
        _ window: PendingWindow, _ concerned: [Concerned], _ group: QueryGroup, _ error: Float
    ) -> Bool {
        let scoring = group.scoring(scoring)
        return concerned.contains { standing, found in
            found.map { standing.isUndecided($0, error: error, scoring: scoring, on: window.lane) } ?? false
        }
    }

    /// Decides whether a window is scored in float32 now.
    ///
    /// Counts the window as undecided if that is needed but not allowed. A window that does not need it may be kept as
    /// the sample that measures the error.
    private func planRescoring(
        _ window: PendingWindow, _ output: HeadOutput, _ group: QueryGroup, isNeeded: Bool, _ exact: ExactEncoder,
        _ step: inout BatchResult
    ) -> PendingWindow.Rescoring {
        // The error is measured from windows without common frames, since many windows of one scene say little of
        // others.
        let isApart = window.pictures.allSatisfy { $0.embedding == nil }
        let isSample = group.isSample() && isApart && sample == nil
        guard isSample || isNeeded else { return .done }
        guard exact.admits(window.pictures) else {
            if isNeeded { step.undecided += 1 }
            return .done
        }
        if isNeeded { return .due(isApart: isApart) }
        sample = (window, output)
        if !exact.isLimited { takeSample(&step) }
        return .done
    }

    /// Embeds a window's frames in float32; returns nil until all are embedded, and an empty batch after an error.
    private func embed(_ window: PendingWindow, _ exact: ExactEncoder, _ step: inout BatchResult) -> WindowBatch? {
        let began = ThreadClock.nanoseconds
        defer { step.encodeSeconds += Double(ThreadClock.nanoseconds - began) / 1e9 }
        do {
            return try exact.embed(window.pictures).map {
                WindowBatch(window, $0, width: window.lane.window.width)
            }
        } catch {
            step.failures.append(HeadFailure(head: window.key.head, reason: "\(error)", cause: error))
            return WindowBatch(window.key)
        }
    }

    /// Continues to embed the sample window in float32; once that is done, measures the error of its scores.
    private func takeSample(_ step: inout BatchResult) {
        guard let exact, let (window, output) = sample, let embedded = embed(window, exact, &step) else { return }
        sample = nil
        guard let again = runHead(on: embedded, &step).first else { return }
        book.groups[window.key]?.measure(output, again)
    }
}
