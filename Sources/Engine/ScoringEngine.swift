package import CLIP
import Concurrency
import Foundation
package import Heads
package import Matching
package import Measures
package import Pixels
import Sampling
import Synchronization
import SystemSupport
package import Tensors

/// The scoring engine: it embeds sampled frames, forms windows, scores them for all queries, and follows events.
///
/// Its own executor runs all oneDNN, OpenBLAS and scoring plugin calls for live frames, one at a time. A replay of
/// recorded frames makes such calls on another thread.
package actor ScoringEngine {
    private let executor: QueueExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let model: ModelDirectory
    /// A name of the model and its precisions: embeddings made under an equal name are equal, so they may be cached.
    package nonisolated let embeddingIdentity: String
    /// The greatest difference between a cosine of recorded embeddings and the same cosine when it decided live.
    ///
    /// Live windows close to a threshold are decided in float32, and recorded embeddings are rounded.
    package nonisolated let historyError: Float
    /// The detections for one consumer, in the engine's order; nil if each call returns its own to the caller.
    package nonisolated let handed: HandedDetections?
    let finder: HeadFinder
    let encoder: FrameEncoder
    /// The float32 image encoder, for windows that are scored again; nil if the main precision is float32.
    private let exact: ExactEncoder?
    let decisions: WindowEvaluator
    private let scorer: FrameScorer
    let embedder: QueryEmbedder
    let book: QueryBook
    /// The sorted ids of all queries and the book's revision that they are of, for lists in pages.
    nonisolated let sortedIDs = Mutex<(revision: Int, ids: [String])>((-1, []))
    var lanes: [String: Lane] = [:]
    /// The model's scale and bias, which turn cosines into logits.
    let scoring: Scoring
    /// The record of how close queries came to their thresholds; nil unless `noteNearness` was called.
    var nearness: Nearness?
    var calibrationCache = CalibrationCache()
    /// The ends of the last events of removed streams and regions, from which cooldowns (pauses after events) continue.
    var lastEnds: [String: LastEnds] = [:]
    /// The number of queries that a pairing head (which scores each text with a window) scores in a window.
    ///
    /// The mean head, which is faster, chooses them.
    let rerank: Int
    package private(set) var time = EngineTime()
    /// Histograms of the scores that heads (models that score windows) computed, by head.
    package var scoreHistograms: [String: Histogram] { decisions.scoreHistograms }
    /// Counters and events of removed streams and regions, which the next `process` call reports.
    private var unreported = BatchResult()

    /// Loads the model; throws an error if a file, a tensor or the vocabulary is invalid.
    ///
    /// `isLive` is true if live streams wait: then scoring plugins that take too long are not called for a while, and
    /// few windows are scored again in float32. `partial` scores windows that are not full yet. With `handsOver`, all
    /// detections go to `handed`, and no call returns any.
    package init(
        model: ModelDirectory, finder: HeadFinder, precision: Precision = .auto, partial: Bool = false,
        rerank: Int = StandingQuery.defaultRerank, calibration: CalibrationSettings = CalibrationSettings(),
        isLive: Bool = false, handsOver: Bool = false,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) throws {
        executor = QueueExecutor(label: "watchword.compute")
        Products.useOneThread()
        self.model = model
        self.finder = finder
        self.rerank = rerank
        handed = handsOver ? HandedDetections() : nil
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
        historyError = ScoreError.margin * (precision.assumedError ?? 0) + 2e-5
        let scoring = try model.scoring()
        self.scoring = scoring
        let error = precision.assumedError.map { (cosines: $0, logits: $0 * scoring.scale) }
        // The largest encoder is made first: the memory needed to reorder its weights is released before the others are
        // made.
        exact = try error.map { _ in ExactEncoder(try images(.f32, isLean: true), isLimited: isLive) }
        model.releaseMemory()
        let pictures = try images(precision)
        // Text embeddings are few, and each is compared with all later windows, so they are always float32.
        let texts = try PackedWeights.tower({ model.packed("text", .f32) }) { packed in
            try TextEncoder(source, architecture: model.architecture, precision: .f32, packed: packed)
        }
        encoder = FrameEncoder(pictures, holdsPictures: exact != nil)
        embedder = QueryEmbedder(tokenizer, texts, pictures)
        embeddingIdentity = "\(model.identity) \(model.readingHash) \(Precision.f32.rawValue) \(precision.rawValue)"
        model.releaseMemory()
        // The allocator may still hold memory from reordering weights.
        Memory.release()
        book = QueryBook { [model, finder] in
            try QueryGroup($0, model: model, finder: finder, assuming: error)
        }
        decisions = WindowEvaluator(
            book, exact: exact, model: model.identity, scoring: scoring, calibration: calibration,
            rerank: rerank, isLive: isLive, now: now)
        scorer = FrameScorer(book, decisions, model: model.identity, partial: partial)
    }

    // MARK: Embedding

    /// Embeds a text, `[d]`, not normalised; `truncated` is true if the text was cut to the model's context length.
    package func embed(text: String) throws -> (embedding: [Float], truncated: Bool) { try embedder.embed(text: text) }

    /// Embeds several texts at once; pass only a few, since scoring waits meanwhile.
    package func embed(texts: [String]) throws -> [(embedding: [Float], truncated: Bool)] {
        try embedder.embed(texts: texts)
    }

    /// Releases the text encoder's memory while no text is expected.
    package func releaseTexts() {
        embedder.releaseTexts()
        model.releaseMemory()
    }

    /// Embeds pictures; the embeddings, `d` numbers each, are not normalised.
    package func embed(pictures: [Picture]) throws -> [[Float]] { try embedder.embed(pictures: pictures) }

    /// Embeds a query: the average of its sentences and pictures, and one embedding for each contrasting text.
    ///
    /// `pictures` are the query's decoded images; see `QueryPictures`. Throws if its scoring plugin cannot be used with
    /// the model.
    package func embed(_ query: StandingQuery, pictures: [Picture] = []) throws -> QueryEmbedding {
        try check(query)
        return try embedder.embed(query, pictures: pictures)
    }

    /// Throws if a query's head (the plugin that scores windows) cannot be used with the CLIP model.
    package func check(_ query: StandingQuery) throws { try book.check(query) }

    // MARK: Lanes and frames

    /// Adds a lane (a stream or region), or resets an existing one of that name, whose learnt thresholds are kept.
    package func addLane(_ name: String, labels: [String] = []) {
        if let old = lanes[name] {
            calibrationCache.keep(old, book, model: model.historyIdentity)
            keepLastEnds(of: old)
            decisions.forget(old)
        }
        for group in book.groups.values { group.forget(name) }
        let patches = model.architecture.vision.linearPatch
        let lane = Lane(
            name, labels: labels,
            window: FrameWindow(width: width, capacity: windowCapacity, hasEdges: patches == .spatiotemporal),
            lastEnds: lastEnds.removeValue(forKey: name) ?? LastEnds())
        lanes[name] = lane
        for group in book.groups.values { for standing in group.learners { calibrationCache.give(standing, to: lane) } }
    }

    package func hasLane(_ name: String) -> Bool { lanes[name] != nil }

    /// The state of the newest picture of each stream and region: good, black, frozen or blurred.
    package var health: [String: PictureHealth] { lanes.mapValues(\.health) }

    /// Removes a lane (a stream or region) and returns the end messages of its events; learnt thresholds are kept for
    /// later.
    package func removeLane(_ name: String, reason: EarlyEnd? = nil) -> [Detection] {
        encoder.forget(name)
        guard let lane = lanes.removeValue(forKey: name) else { return [] }
        decisions.leave(lane, &unreported)
        calibrationCache.keep(lane, book, model: model.historyIdentity)
        keepLastEnds(of: lane)
        for group in book.groups.values { group.forget(name) }
        defer { unreported.detections = [] }
        return hand(
            unreported.detections.map { detection in
                var detection = detection
                if detection.transition.phase == .end { detection.reason = reason }
                return detection
            })
    }

    /// Hands detections over, if that is how they are delivered; otherwise returns them.
    func hand(_ detections: [Detection]) -> [Detection] {
        guard let handed else { return detections }
        handed.add(detections)
        return []
    }

    /// Stores the ends of the last events of a lane (a stream or region) that leaves, whose cooldowns may still run.
    private func keepLastEnds(of lane: Lane) {
        var ends = lastEnds[lane.name] ?? LastEnds()
        ends.merge(lane.takeLastEnds(book))
        ends.keepGroups { book.hasMembers(of: $0) }
        lastEnds[lane.name] = ends.isEmpty ? nil : ends
    }

    /// Processes the next frames of all streams and regions, in order, and returns events, scores and counters.
    ///
    /// A window that waits to be scored again in float32 is decided by a later call, which may have no frames. `isLate`
    /// is true if frames waited too long: then no float32 work is done now. `wantScores` adds the score of each window
    /// for each active query to the result; `wantFrames` adds the embedded frames and windows. `watching` has the ids
    /// of the queries whose values are added to `watched`.
    package func process(
        _ items: [QueuedItem], isLate: Bool = false, wantScores: Bool = false, wantFrames: Bool = false,
        watching: Set<String> = []
    ) throws -> BatchResult {
        let began = ThreadClock.nanoseconds
        let items = items.filter { lanes[$0.stream] != nil }
        let embeddings = try embed(items)
        var step = unreported
        unreported = BatchResult()
        (step.wantsScores, step.wantsFrames, step.watching) = (wantScores, wantFrames, watching)
        step.encodeSeconds = Double(ThreadClock.nanoseconds - began) / 1e9
        step.encoded = embeddings.count { $0.isNew }
        step.reused = embeddings.count - step.encoded
        exact?.beginTurn(frames: step.encoded, isLate: isLate)
        scorer.take(embedded(items, embeddings), of: lanes.values, at: Date().timeIntervalSince1970, &step)
        let all = ThreadClock.nanoseconds - began
        step.scoreSeconds = Double(all) / 1e9 - step.encodeSeconds
        time.add(encode: UInt64(step.encodeSeconds * 1e9), all: all)
        step.detections = hand(step.detections)
        return step
    }

    private func embed(_ items: [QueuedItem]) throws -> [FrameEmbeddings] {
        do { return try encoder.encode(items) } catch {
            for item in items { lanes[item.stream]?.lose() }
            throw error
        }
    }

    /// Pairs the items with their lanes (streams and regions) and, if the picture is usable, with an embedding.
    private func embedded(_ items: [QueuedItem], _ embeddings: [FrameEmbeddings]) -> [(Lane, FrameScorer.Item)] {
        var next = embeddings.makeIterator()
        return items.compactMap { item in
            guard let lane = lanes[item.stream] else { return nil }
            guard case .frame(let frame) = item.item else { return (lane, .end) }
            lane.saw(frame.health)
            // A black, frozen or blurred picture has no embedding.
            let embedding = frame.health == .good ? next.next() : nil
            return (lane, .frame(EmbeddedFrame(frame, embedding)))
        }
    }

    // MARK: Windows and heads

    var width: Int { model.architecture.embedding }
    var windowCapacity: Int { max(book.longestWindow, model.defaults.frames) }

    /// Returns all head plugins (models that score windows) by name, with the error of each that cannot be loaded.
    package func heads() -> [(name: String, library: HeadLibrary?, problem: String?)] {
        finder.names.map { name in
            do { return (name, try finder.load(name), nil) } catch { return (name, nil, "\(error)") }
        }
    }
}
