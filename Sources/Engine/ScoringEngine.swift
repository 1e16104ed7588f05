package import CLIP
import Concurrency
import Foundation
package import Heads
package import Matching
package import Measures
package import Pixels
import Sampling
import SystemSupport
package import Tensors

/// The engine from sampled frames to events: it embeds frames, slides windows, scores, and follows events.
///
/// It runs on its own executor. Every oneDNN, OpenBLAS and plugin call for live frames happens here, one at a time. A
/// replay of the past makes its own calls on another thread.
package actor ScoringEngine {
    private let executor: QueueExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let model: ModelDirectory
    /// A name of the model and precision: embeddings of texts and pictures are equal if it is equal.
    package nonisolated let embeddingIdentity: String
    /// How far cosines of recorded embeddings may differ from those that decided live.
    ///
    /// Windows close to a threshold were decided in float32, and rows of a history are rounded.
    package nonisolated let historyError: Float
    let finder: HeadFinder
    let encoder: FrameEncoder
    /// The tower for windows that are scored again in float32; nil if none is.
    private let exact: ExactEncoder?
    let decisions: WindowEvaluator
    private let scorer: FrameScorer
    let embedder: QueryEmbedder
    let book: QueryBook
    var lanes: [String: Lane] = [:]
    /// The model's scale and bias, which turn cosines into logits.
    let scoring: Scoring
    /// How close queries came to their thresholds; nil unless `noteNearness` was called.
    var nearness: Nearness?
    var shelf = CalibrationCache()
    /// The ends of the last events of removed lanes.
    var lastEnds: [String: LastEnds] = [:]
    /// The number of queries that a pairing head scores in a window, chosen by the mean head.
    let rerank: Int
    package private(set) var time = EngineTime()
    /// Histograms of the scores that heads computed, by head.
    package var lookedAt: [String: Histogram] { decisions.lookedAt }
    /// Counters of removed lanes, reported by the next step.
    private var untold = BatchResult()

    /// Loads the model; throws an error if a file, a tensor or the vocabulary is invalid.
    ///
    /// `isLive`: cameras wait, so heads that take too long are not called for a while, and few windows are scored
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
        historyError = ScoreError.margin * (precision.assumedError ?? 0) + 2e-5
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
        scorer = FrameScorer(book, decisions, model: model.identity, partial: partial)
    }

    // MARK: Embedding

    /// Embeds a text: `[d]`, not normalised; `truncated` if it was cut to the model's context.
    package func embed(text: String) throws -> (embedding: [Float], truncated: Bool) { try embedder.embed(text: text) }

    /// Embeds several texts at once, but so few that scoring waits no longer than for a few pictures.
    package func embed(texts: [String]) throws -> [(embedding: [Float], truncated: Bool)] {
        try embedder.embed(texts: texts)
    }

    /// Releases the text tower's memory while no text is expected.
    package func releaseTexts() {
        embedder.releaseTexts()
        model.releaseMemory()
    }

    /// Embeds pictures: `[pictures][d]`, not normalised.
    package func embed(pictures: [Picture]) throws -> [[Float]] { try embedder.embed(pictures: pictures) }

    /// Embeds a query, with all its sentences and pictures as one, and its contrasts.
    ///
    /// `pictures` are its decoded images; see `QueryPictures`. Throws if its head cannot be used with the model.
    package func embed(_ query: StandingQuery, pictures: [Picture] = []) throws -> QueryEmbedding {
        try check(query)
        return try embedder.embed(query, pictures: pictures)
    }

    /// Throws if a query's head cannot be used with the model.
    package func check(_ query: StandingQuery) throws { _ = try book.group(for: query) }

    // MARK: Lanes and frames

    /// Adds a lane, or empties an existing one of that name, which keeps its calibrations.
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

    /// Removes a lane; its open events end, and its calibrations are kept for its return.
    package func removeLane(_ name: String) -> [Detection] {
        encoder.forget(name)
        guard let lane = lanes.removeValue(forKey: name) else { return [] }
        decisions.leave(lane, &untold)
        shelf.keep(lane, book)
        lastEnds[name, default: LastEnds()].merge(lane.takeLastEnds(book))
        defer { untold.detections = [] }
        return untold.detections
    }

    /// Processes the next frames of all lanes, in order, to scores and events.
    ///
    /// Frames whose windows wait for float32 are decided by a later call, which may have no frames. `isLate`: frames
    /// waited too long, so no float32 work is done now. `wantFrames`: the result includes the embedded frames, and the
    /// windows' clip embeddings. `watching`: queries whose scores are wanted.
    package func process(
        _ items: [QueuedItem], isLate: Bool = false, wantScores: Bool = false, wantFrames: Bool = false,
        watching: Set<String> = []
    ) throws -> BatchResult {
        let began = ThreadClock.nanoseconds
        let items = items.filter { lanes[$0.stream] != nil }
        let embeddings = try embed(items)
        var step = untold
        untold = BatchResult()
        (step.wantsScores, step.wantsFrames, step.watching) = (wantScores, wantFrames, watching)
        step.encodeSeconds = Double(ThreadClock.nanoseconds - began) / 1e9
        step.encoded = embeddings.count { $0.isNew }
        step.reused = embeddings.count - step.encoded
        exact?.beginTurn(frames: step.encoded, isLate: isLate)
        scorer.take(embedded(items, embeddings), of: lanes.values, at: Date().timeIntervalSince1970, &step)
        let all = ThreadClock.nanoseconds - began
        step.scoreSeconds = Double(all) / 1e9 - step.encodeSeconds
        time.add(encode: UInt64(step.encodeSeconds * 1e9), all: all)
        return step
    }

    private func embed(_ items: [QueuedItem]) throws -> [FrameEmbeddings] {
        do { return try encoder.encode(items) } catch {
            for item in items { lanes[item.stream]?.lose() }
            throw error
        }
    }

    /// Joins the items with the embeddings of the good frames, in order.
    private func embedded(_ items: [QueuedItem], _ embeddings: [FrameEmbeddings]) -> [(Lane, FrameScorer.Item)] {
        var next = embeddings.makeIterator()
        return items.compactMap { item in
            guard let lane = lanes[item.stream] else { return nil }
            guard case .frame(let frame) = item.item else { return (lane, .end) }
            lane.saw(frame.health)
            // A picture that shows nothing is not embedded.
            let embedding = frame.health == .good ? next.next() : nil
            return (lane, .frame(EmbeddedFrame(frame, embedding)))
        }
    }

    // MARK: Windows and heads

    var width: Int { model.architecture.embedding }
    var windowCapacity: Int { max(book.longestWindow, model.defaults.frames) }

    /// The names of all head plugins, with the problem of each that cannot be used with this model.
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
