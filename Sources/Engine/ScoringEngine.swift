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

/// From sampled frames to events: encodes, slides windows, pools, scores, and follows each query's events.
///
/// Runs on an executor of its own; every oneDNN, OpenBLAS and plugin call of the process happens here, one at a time.
package actor ScoringEngine {
    private let executor: QueueExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let model: ModelDirectory
    /// Embeddings of texts and pictures are the same wherever this is.
    package nonisolated let embeddingIdentity: String
    let finder: HeadFinder
    let encoder: FrameEncoder
    /// For windows that are scored again in float32; nil where none is.
    private let exact: ExactEncoder?
    let decisions: WindowEvaluator
    let embedder: QueryEmbedder
    let book: QueryBook
    var lanes: [String: Lane] = [:]
    /// The model's logit scale: cosines times it are logits.
    let logitScale: Float
    var shelf = CalibrationCache()
    /// Ends of the last events of lanes that are not open now.
    var lastEnds: [String: LastEnds] = [:]
    /// Windows that are not full yet are scored too.
    private let partial: Bool
    /// Candidates a window that a pairing head scores, chosen by the mean head.
    let rerank: Int
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
        let logitScale = try model.logitScale()
        self.logitScale = logitScale
        let error = precision.assumedError.map { (cosines: $0, logits: $0 * logitScale) }
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
            book, exact: exact, model: model.identity, logitScale: logitScale, calibration: calibration,
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

    // MARK: Windows and heads

    var width: Int { model.architecture.embedding }
    var windowCapacity: Int { max(book.longestWindow, model.defaults.frames) }

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
