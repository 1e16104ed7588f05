package import CLIP
import Concurrency
package import Foundation
package import Heads
package import Ingest
package import Matching
package import Measures
package import Pixels
import SystemSupport
package import Tensors

/// From sampled frames to events: encodes, slides windows, pools, scores, and follows each query's events.
///
/// Runs on an executor of its own; every oneDNN, OpenBLAS and plugin call of the process happens here, one at a time.
package actor ScoringEngine {
    private let executor: QueueExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let model: ModelDirectory
    /// Embeddings of texts and pictures are the same wherever this is.
    package nonisolated let embeddingIdentity: String
    private let finder: HeadFinder
    private let encoder: FrameEncoder
    /// For windows that are scored again in float32; nil where none is.
    private let exact: ExactEncoder?
    private let decisions: WindowEvaluator
    private let embedder: QueryEmbedder
    private let book: QueryBook
    private var lanes: [String: Lane] = [:]
    /// The model's scale and bias: they make logits of cosines.
    private let scoring: Scoring
    private var shelf = CalibrationCache()
    /// Ends of the last events of lanes that are not open now.
    private var lastEnds: [String: LastEnds] = [:]
    /// Windows that are not full yet are scored too.
    private let partial: Bool
    /// Candidates a window that a pairing head scores, chosen by the mean head.
    private let rerank: Int
    package private(set) var time = EngineTime()
    /// Scores that were looked at, by head.
    package var lookedAt: [String: Histogram] { decisions.lookedAt }
    /// Counters of removed lanes, reported by the next step.
    private var untold = BatchResult()

    /// Loads the model; throws a sentence if a file, a tensor or the vocabulary is wrong.
    ///
    /// `isLive`: cameras wait, so heads that take too long are left alone for a while, and few windows are scored
    /// again.
    package init(
        model: ModelDirectory, finder: HeadFinder, precision: Precision = .auto, partial: Bool = false,
        rerank: Int = StandingQuery.defaultRerank, calibration: CalibrationSettings = CalibrationSettings(),
        isLive: Bool = false, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) throws {
        executor = QueueExecutor(label: "watchword.compute")
        Products.useOneThread()
        self.model = model
        self.finder = finder
        self.partial = partial
        self.rerank = rerank
        let tokenizer = try model.tokenizer()
        let source = FiniteTensors(model.tensors)
        let precision = precision.resolved(for: model.architecture)
        func images(_ precision: Precision, isLean: Bool = false) throws -> ImageEncoder {
            try PackedWeights.tower({ model.packed("image", precision) }) { packed in
                try ImageEncoder(
                    source, architecture: model.architecture, normalisation: model.normalisation, precision: precision,
                    packed: packed, isLean: isLean)
            }
        }
        let scoring = try model.scoring()
        self.scoring = scoring
        let error = precision.assumedError.map { (cosines: $0, logits: $0 * scoring.scale) }
        // The largest tower first: what it takes to pack it is given back before the others come.
        exact = try error.map { _ in ExactEncoder(try images(.f32, isLean: true), isLimited: isLive) }
        model.releaseMemory()
        let pictures = try images(precision)
        // Texts are few, and each is compared with every window to come: they get all the digits there are.
        let texts = try PackedWeights.tower({ model.packed("text", .f32) }) { packed in
            try TextEncoder(source, architecture: model.architecture, precision: .f32, packed: packed)
        }
        encoder = FrameEncoder(pictures, holdsPictures: exact != nil)
        embedder = QueryEmbedder(tokenizer, texts, pictures)
        embeddingIdentity = "\(model.identity) \(model.readingHash) \(Precision.f32.rawValue) \(precision.rawValue)"
        model.releaseMemory()
        // Weights that had to be packed have been packed in memory of the allocator's.
        Memory.release()
        book = QueryBook { [model, finder] in
            try QueryGroup($0, model: model, finder: finder, assuming: error)
        }
        decisions = WindowEvaluator(
            book, exact: exact, model: model.identity, scoring: scoring, calibration: calibration,
            rerank: rerank, isLive: isLive, now: now)
    }

    // MARK: Embedding

    /// Embeds a text: `[d]`, not normalised, and whether it was cut to the model's context.
    package func embed(text: String) throws -> (embedding: [Float], truncated: Bool) { try embedder.embed(text: text) }

    /// Gives the memory of the text tower back: no text is expected for a while.
    package func releaseTexts() {
        embedder.releaseTexts()
        model.releaseMemory()
    }

    /// Embeds pictures: `[pictures][d]`, not normalised.
    package func embed(pictures: [Picture]) throws -> [[Float]] { try embedder.embed(pictures: pictures) }

    /// Embeds a query, all its sentences and pictures as one, and its contrasts.
    ///
    /// `pictures`: its images, decoded; see `QueryPictures`.
    /// Throws, too, if its head cannot be used with the model.
    package func embed(_ query: StandingQuery, pictures: [Picture] = []) throws -> QueryEmbedding {
        try check(query)
        return try embedder.embed(query, pictures: pictures)
    }

    /// Throws if a query's head cannot be used with the model.
    package func check(_ query: StandingQuery) throws { _ = try book.group(for: query) }

    // MARK: Standing queries

    /// Adds a query, or replaces the one of the same id; the events that end are returned.
    ///
    /// Open events, and matches that have begun, go on if the same windows match as before; a cooldown goes on whatever
    /// is changed. What is learnt for its budget stays, if its description, head, window length and budget are the
    /// same.
    @discardableResult
    package func add(_ query: StandingQuery, _ embedding: QueryEmbedding, at time: Date = Date()) throws -> [Detection]
    {
        try check(query)
        let old = book[query.id]
        let kept = old.map { old in
            old.query.isLearntLike(query) ? lanes.compactMapValues { $0.calibrations[old.slot] } : [:]
        }
        let isWatched = query.isWatched(at: time.timeIntervalSince1970)
        let goesOn = old.map { $0.query.isDecidedLike(query) && $0.isWatched && isWatched } ?? false
        let lanesOn = goesOn ? lanes.filter { query.settings.selector.matches($0.key, labels: $0.value.labels) } : [:]
        let going = old.map { old in lanesOn.compactMapValues { $0.take(old) } } ?? [:]
        let ended = remove(query.id, keepingGroup: old?.key == GroupKey(query), goingOn: Set(lanesOn.keys)) ?? []
        let standing = try book.add(query, embedding, at: time.timeIntervalSince1970)
        for (name, motion) in going { lanes[name]?.put(motion, standing) }
        for (name, calibration) in kept ?? [:] { lanes[name]?.calibrations[standing.slot] = calibration }
        if let old, !old.query.isLearntLike(query) { shelf.forget(query: query.id) }
        for lane in lanes.values { shelf.give(standing, to: lane) }
        growWindows()
        return ended
    }

    /// Adds many; the events that end are returned, how many took another's place, and ids of those of them for which
    /// what was learnt before is worth nothing now.
    package func add(
        _ queries: [(StandingQuery, QueryEmbedding)]
    ) throws -> (ended: [Detection], replaced: Int, unlearnt: [String]) {
        var ended: [Detection] = []
        var replaced = 0
        var unlearnt: [String] = []
        for (query, embedding) in queries {
            if let old = book[query.id]?.query {
                replaced += 1
                if !old.isLearntLike(query) { unlearnt.append(query.id) }
            }
            ended += try add(query, embedding)
        }
        return (ended, replaced, unlearnt)
    }

    /// Embeds a query and adds it.
    @discardableResult
    package func add(_ query: StandingQuery, pictures: [Picture] = []) throws -> (truncated: Bool, ended: [Detection]) {
        let embedding = try embed(query, pictures: pictures)
        return (embedding.truncated, try add(query, embedding))
    }

    /// Removes a query; its open events end.
    ///
    /// Nil if there is none of that id.
    package func remove(_ id: String) -> [Detection]? {
        shelf.forget(query: id)
        defer {
            for lane in lanes.values { lane.forgetLastEnd(of: id) }
            for name in lastEnds.keys { _ = lastEnds[name]?.take(query: id) }
        }
        return remove(id, keepingGroup: false)
    }

    /// `goingOn`: lanes on which its events do not end.
    private func remove(_ id: String, keepingGroup: Bool, goingOn: Set<String> = []) -> [Detection]? {
        guard let standing = book[id] else { return nil }
        var ended: [Detection] = []
        for name in lanes.keys.sorted() {
            guard let lane = lanes[name] else { continue }
            if !goingOn.contains(name) { ended += lane.drop(standing, book, model: model.identity) }
            lane.calibrations[standing.slot] = nil
        }
        _ = book.remove(id, keepingGroup: keepingGroup)
        return ended
    }

    package func query(_ id: String) -> StandingQuery? { book[id]?.query }
    /// The standing queries among the ids.
    package func queries(ids: [String]) -> [String: StandingQuery] {
        Dictionary(ids.compactMap { id in book[id].map { (id, $0.query) } }) { $1 }
    }
    package var allQueries: [StandingQuery] { book.all }
    /// The queries that come after an id, by id, at most `limit`.
    package func queries(after id: String, limit: Int) -> [StandingQuery] {
        Array(book.all.drop { $0.id <= id }.prefix(limit))
    }
    package var queryCount: Int { book.count }

    /// Why a standing query is heard of on each of the lanes, or not; of all lanes that there are, if none is named.
    ///
    /// Nil if there is no such query.
    package func explain(_ id: String, lanes names: [String]? = nil) throws -> [Explanation]? {
        guard let standing = book[id], let group = book.groups[standing.key] else { return nil }
        return try explain(standing, group, names)
    }

    /// The same of a query that does not stand, against each lane's newest window.
    package func test(
        _ query: StandingQuery, _ embedding: QueryEmbedding, lanes names: [String]? = nil
    ) throws -> [Explanation] {
        let standing = RegisteredQuery(query, slot: -1, contrasts: embedding.contrasts, isWatched: true)
        let group = try QueryGroup(standing.key, model: model, finder: finder)
        group.add(standing, embedding)
        return try explain(standing, group, names)
    }

    private func explain(_ standing: RegisteredQuery, _ group: QueryGroup, _ names: [String]?) throws -> [Explanation] {
        let explainer = Explainer(scoring: scoring, rerank: rerank, width: width, time: Date())
        return try (names ?? lanes.keys.sorted()).compactMap { lanes[$0] }
            .filter { names != nil || standing.selects($0) }
            .map { try explainer.explain(standing, group, $0) }
    }

    /// Scores a whole clip, no longer than the queries' windows, as one window of each query; it opens no events.
    package func score(clip frames: [Frame], of stream: String) throws -> [WindowScore] {
        guard let first = frames.first, let last = frames.last else { return [] }
        let rows = try encoder.images.encode(FrameInContext.window(frames.map(\.picture))).values
        let span = WindowSpan(
            mediaStart: first.mediaTime, mediaEnd: last.mediaTime, wallStart: first.wallClock.timeIntervalSince1970,
            wallEnd: last.wallClock.timeIntervalSince1970, frames: frames.count)
        let lane = Lane(stream, labels: [], window: FrameWindow(width: width, capacity: 1))
        var scores: [WindowScore] = []
        for (key, group) in book.groups where key.frames >= frames.count {
            let window = PendingWindow(key, of: lane, span)
            let looks = try group.look(at: WindowBatch(window, rows, width: width), rerank: rerank)
            for look in looks { scores += decisions.allScores(look, group, span, lane) }
        }
        return scores.sorted { ($0.score ?? -.infinity, $1.query) > ($1.score ?? -.infinity, $0.query) }
    }

    // MARK: Nearness

    /// From now on notes how near each query comes to its threshold.
    package func noteNearness() { decisions.nearness = Nearness() }

    /// The nearest moment of each query that was looked at, the nearest first.
    package var nearestMoments: [NearestMoment] {
        (decisions.nearness?.moments.values).map(Array.init)?.sorted {
            ($0.threshold == nil ? 1 : 0, -$0.margin, $0.query.id) < (
                $1.threshold == nil ? 1 : 0, -$1.margin, $1.query.id
            )
        } ?? []
    }

    // MARK: Lanes and frames

    /// Makes a lane, or an empty one of one that there is, which keeps what was learnt of it.
    package func addLane(_ name: String, labels: [String] = []) {
        if let old = lanes[name] {
            shelf.keep(old, book)
            lastEnds[name, default: LastEnds()].merge(old.takeLastEnds(book))
            decisions.forget(old)
        }
        for group in book.groups.values { group.forget(name) }
        let patches = model.architecture.vision.linearPatch
        let lane = Lane(
            name, labels: labels,
            window: FrameWindow(width: width, capacity: windowCapacity, hasEdges: patches == .spatiotemporal),
            lastEnds: lastEnds.removeValue(forKey: name) ?? LastEnds())
        lanes[name] = lane
        for group in book.groups.values { for standing in group.learners { shelf.give(standing, to: lane) } }
    }

    package func hasLane(_ name: String) -> Bool { lanes[name] != nil }

    /// The health of each lane's pictures.
    package var health: [String: PictureHealth] { lanes.mapValues(\.health) }

    /// Takes a lane away; its open events end, and what was learnt of it waits for its coming back.
    package func removeLane(_ name: String) -> [Detection] {
        encoder.forget(name)
        guard let lane = lanes.removeValue(forKey: name) else { return [] }
        decisions.leave(lane, &untold)
        shelf.keep(lane, book)
        lastEnds[name, default: LastEnds()].merge(lane.takeLastEnds(book))
        defer { untold.detections = [] }
        return untold.detections
    }

    /// Takes the next frames of all lanes through to scores and events, in order.
    ///
    /// Frames whose windows wait for float32 are decided by a later call, which no frames need to come with. `isLate`:
    /// frames have waited long enough, so that none of that is done now.
    package func process(_ items: [QueuedItem], isLate: Bool = false, wantScores: Bool = false) throws -> BatchResult {
        let began = ThreadClock.nanoseconds
        let items = items.filter { lanes[$0.stream] != nil }
        var embeddings = try embed(items).makeIterator()
        var step = untold
        untold = BatchResult()
        step.wantsScores = wantScores
        step.encodeSeconds = Double(ThreadClock.nanoseconds - began) / 1e9
        var due: [GroupKey: WindowBatch] = [:]
        var actions: [(lane: Lane, action: WindowEvaluator.Action)] = []
        for item in items {
            guard let lane = lanes[item.stream] else { continue }
            switch item.item {
            case .end:
                lane.clearWindow()
                actions.append((lane, .end))
            case .frame(let frame):
                lane.saw(frame)
                if frame.discontinuity {
                    lane.clearWindow()
                    actions.append((lane, .close))
                }
                if frame.health != .good {
                    // It shows nothing, so it was not embedded: what comes after it does not continue what was before.
                    step.blind += 1
                    lane.clearWindow()
                    actions += [(lane, .blind(frame.moment)), (lane, .settle(frame.moment))]
                } else if let embedding = embeddings.next() {
                    if embedding.isNew { step.encoded += 1 } else { step.reused += 1 }
                    actions += slide(lane, frame, embedding, &due).map { (lane, $0) }
                }
            }
        }
        exact?.beginTurn(frames: step.encoded, isLate: isLate)
        for standing in book.refresh(at: Date().timeIntervalSince1970) {
            for lane in lanes.values { step.detections += lane.drop(standing, book, model: model.identity) }
        }
        for batch in due.values {
            for (window, look) in zip(batch.windows, decisions.look(at: batch, &step)) { window.look = look }
        }
        decisions.take(actions, &step)
        let all = ThreadClock.nanoseconds - began
        step.scoreSeconds = Double(all) / 1e9 - step.encodeSeconds
        time.add(encode: UInt64(step.encodeSeconds * 1e9), all: all)
        return step
    }

    private func embed(_ items: [QueuedItem]) throws -> [FrameEmbeddings] {
        do {
            return try encoder.encode(items)
        } catch {
            for item in items { lanes[item.stream]?.clearWindow() }
            throw error
        }
    }

    /// Slides a lane's window by a frame; what has to be scored is due.
    private func slide(
        _ lane: Lane, _ frame: Frame, _ embedding: FrameEmbeddings, _ due: inout [GroupKey: WindowBatch]
    ) -> [WindowEvaluator.Action] {
        lane.slide(by: frame, embedding)
        let still = Still(frame.preview)
        var longest = frame.moment
        var actions: [WindowEvaluator.Action] = []
        for key in book.groups.keys where partial || lane.window.count >= key.frames {
            guard let window = due[key, default: WindowBatch(key)].add(lane, still) else { continue }
            actions.append(.window(window))
            if window.span.mediaStart < longest.mediaStart { longest = window.span }
        }
        return actions + [.settle(longest)]
    }

    // MARK: Learnt thresholds

    /// Gives back what was learnt before this process: each is taken up when its lane and its query are there.
    package func restore(_ calibration: Calibration, query: String, lane: String) {
        shelf.put(calibration, query: query, lane: lane)
    }

    /// A lane has gone for good.
    package func forgetLearnt(lane: String) {
        shelf.forget(lane: lane)
        lastEnds[lane] = nil
    }

    /// Gives back when the last events before this process ended, so that their cooldowns go on; queries come before.
    ///
    /// A group's cooldown is the longest of its members'.
    package func restore(_ ended: [EndedEvent]) {
        guard !ended.isEmpty else { return }
        var cooldowns: [String: Double] = [:]
        for query in book.all {
            guard let group = query.settings.group else { continue }
            cooldowns[group] = max(cooldowns[group] ?? 0, query.settings.policy.cooldown)
        }
        for event in ended {
            if let group = event.group, let cooldown = cooldowns[group], cooldown > 0 {
                lastEnds[event.lane, default: LastEnds()].note(group: group, event.end, cooldown: cooldown)
            } else if event.group == nil, book[event.query]?.policy.cooldown ?? 0 > 0 {
                lastEnds[event.lane, default: LastEnds()].note(query: event.query, event.end)
            }
        }
    }

    /// How far the learning of all queries on all lanes is.
    package var learntThresholds: LearntThresholds {
        var counts = LearntThresholds()
        for calibration in lanes.values.flatMap(\.calibrations.values) { counts.count(calibration) }
        return counts
    }

    /// Calibrations that changed since the last call.
    package func changedCalibrations() -> [LearntCalibration] {
        shelf.takeUnsaved() + lanes.values.flatMap { $0.takeChanges(book) }
    }

    /// Moves a query's learnt thresholds, on all lanes or one, to what the background asks for by now.
    ///
    /// Nil if there is no such query.
    package func recalibrate(_ id: String, lane: String? = nil) -> [ThresholdChange]? {
        guard let standing = book[id] else { return nil }
        return lanes.values.filter { lane == nil || $0.name == lane }.sorted { $0.name < $1.name }
            .compactMap { $0.recalibrate(standing) }
    }

    // MARK: Room

    private var width: Int { model.architecture.embedding }
    private var windowCapacity: Int { max(book.longestWindow, model.defaults.frames) }

    /// A longer window length came: lanes keep what they have and grow.
    private func growWindows() {
        for lane in lanes.values where lane.window.capacity < windowCapacity { lane.growWindow(to: windowCapacity) }
    }

    /// Names of all head plugins, and why one cannot be used with this model.
    package func heads() -> [(name: String, library: HeadLibrary?, problem: String?)] {
        finder.names.map { name in
            do {
                return (name, try finder.load(name), nil)
            } catch {
                return (name, nil, "\(error)")
            }
        }
    }
}

extension Frame {
    /// The frame alone, as a window's span.
    fileprivate var moment: WindowSpan {
        let wall = wallClock.timeIntervalSince1970
        return WindowSpan(mediaStart: mediaTime, mediaEnd: mediaTime, wallStart: wall, wallEnd: wall, frames: 1)
    }
}
