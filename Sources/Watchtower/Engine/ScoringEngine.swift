package import CLIP
import Foundation
package import Heads
package import Ingest
package import Matching
import Messaging
package import Pixels
package import Tensors

/// From sampled frames to events: encodes, slides windows, pools, scores, and follows each query's events.
///
/// Runs on an executor of its own; every oneDNN, OpenBLAS and plugin call of the process happens here, one at a time.
package actor ScoringEngine {
    private let executor: QueueExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let model: ModelDirectory
    private let finder: HeadFinder
    private let tokenizer: Tokenizer
    private let encoder: FrameEncoder
    private let texts: TextEncoder
    private var groups: [GroupKey: QueryGroup] = [:]
    private var queries: [String: StandingQuery] = [:]
    private var streams: [String: StreamState] = [:]
    /// Windows that are not full yet are scored too.
    private let partial: Bool
    /// Candidates a window that a pairing head scores, chosen by the mean head.
    private let rerank: Int
    package static let defaultRerank = 32
    package private(set) var time = EngineTime()

    private struct StreamState {
        var window: FrameWindow
        var trackers: [String: Tracked] = [:]
        var lastScores: [String: Float] = [:]
    }

    private struct Tracked {
        var tracker: EventTracker
        var event = ""
    }

    /// Loads the model; throws a sentence if a file, a tensor or the vocabulary is wrong.
    package init(
        model: ModelDirectory, finder: HeadFinder, precision: Precision = .auto, partial: Bool = false,
        rerank: Int = defaultRerank
    ) throws {
        executor = QueueExecutor(label: "watchword.compute")
        Products.useOneThread()
        self.model = model
        self.finder = finder
        self.partial = partial
        self.rerank = rerank
        tokenizer = try model.tokenizer()
        let source = model.tensors
        let precision = precision.resolved(for: model.architecture)
        // Texts are few, and each is compared with every window to come: they get more digits than pictures.
        let textPrecision: Precision = precision == .bf16 ? .bf16 : .f32
        let packed = (image: model.packed("image", precision), text: model.packed("text", textPrecision))
        let images = try ImageEncoder(
            source, architecture: model.architecture, normalisation: model.normalisation, precision: precision,
            packed: packed.image)
        encoder = FrameEncoder(images)
        texts = try TextEncoder(
            source, architecture: model.architecture, precision: textPrecision, packed: packed.text)
        packed.image?.save()
        packed.text?.save()
        model.forget()
    }

    // MARK: Embedding

    /// Embeds a text: `[d]`, not normalised, and whether it was cut to the model's context.
    package func embed(text: String) throws -> (embedding: [Float], truncated: Bool) {
        let tokens = tokenizer.tokens(text, limit: model.architecture.text.context)
        return (try texts.encode(tokens.ids), tokens.truncated)
    }

    /// Embeds a query, all its sentences as one: `[d]`, not normalised, and whether one was cut to the model's context.
    package func embed(_ query: StandingQuery) throws -> (embedding: [Float], truncated: Bool) {
        let sentences = try query.sentences.map { try embed(text: $0) }
        return (TextEnsemble.average(sentences.map(\.embedding)), sentences.contains { $0.truncated })
    }

    /// Embeds pictures: `[pictures][d]`, not normalised.
    package func embed(pictures: [Picture]) throws -> [[Float]] {
        let rows = try encoder.images.encode(pictures)
        return (0..<pictures.count).map { rows.row($0) }
    }

    // MARK: Standing queries

    /// Adds a query, or replaces the one of the same id, whose open events then end.
    ///
    /// Returns whether the text was cut to the model's context, and the events that ended.
    package func add(_ query: StandingQuery) throws -> (truncated: Bool, ended: [Detection]) {
        let (embedding, truncated) = try embed(query)
        let key = GroupKey(head: query.head, frames: query.frames)
        let group = try groups[key] ?? makeGroup(key)
        let ended = remove(query.id) ?? []
        group.add(query, embedding: embedding)
        groups[key] = group
        queries[query.id] = query
        growWindows()
        return (truncated, ended)
    }

    /// Removes a query; its open events end.
    ///
    /// Nil if there is none of that id.
    package func remove(_ id: String) -> [Detection]? {
        guard let query = queries.removeValue(forKey: id) else { return nil }
        let key = GroupKey(head: query.head, frames: query.frames)
        groups[key]?.remove(id)
        if groups[key]?.isEmpty == true { groups[key] = nil }
        var ended: [Detection] = []
        for name in streams.keys.sorted() {
            streams[name]?.lastScores[id] = nil
            guard var tracked = streams[name]?.trackers.removeValue(forKey: id) else { continue }
            if let transition = tracked.tracker.close() {
                ended.append(detection(query, name, transition, event: tracked.event))
            }
        }
        return ended
    }

    package func query(_ id: String) -> StandingQuery? { queries[id] }
    package var allQueries: [StandingQuery] { queries.values.sorted { $0.id < $1.id } }

    /// Score of a query on each stream's newest window, without it becoming a standing query.
    package func test(_ query: StandingQuery) throws -> [(stream: String, score: Float?, span: WindowSpan?)] {
        let frames = query.frames
        let group = try makeGroup(GroupKey(head: query.head, frames: frames))
        group.add(query, embedding: try embed(query).embedding)
        return try streams.keys.sorted().map { name in
            var buffer = [Float](repeating: 0, count: frames * width)
            guard let state = streams[name], state.window.count >= frames,
                let span = state.window.copyLast(frames, into: &buffer, at: 0)
            else { return (name, nil, nil) }
            let rows = try group.score(buffer, valid: [span.frames], keep: [[]], rerank: 1)
            return (name, rows.first?.first ?? nil, span)
        }
    }

    /// Scores a whole clip, no longer than the queries' windows, as one window of each query; it opens no events.
    package func score(clip frames: [Frame], of stream: String) throws -> [WindowScore] {
        guard let first = frames.first, let last = frames.last else { return [] }
        let rows = try encoder.images.encode(FrameInContext.window(frames.map(\.picture))).values
        let span = WindowSpan(
            mediaStart: first.mediaTime, mediaEnd: last.mediaTime, wallStart: first.wallClock.timeIntervalSince1970,
            wallEnd: last.wallClock.timeIntervalSince1970, frames: frames.count)
        var scores: [WindowScore] = []
        for (key, group) in groups where key.frames >= frames.count {
            let padding = [Float](repeating: 0, count: (key.frames - frames.count) * width)
            let found = try group.score(rows + padding, valid: [frames.count], keep: [[]], rerank: rerank)
            for (id, score) in zip(group.ids, found.first ?? []) {
                guard let query = queries[id] else { continue }
                scores.append(
                    WindowScore(
                        stream: stream, span: span, query: id, text: query.text, head: query.head, score: score))
            }
        }
        return scores.sorted { ($0.score ?? -.infinity, $1.query) > ($1.score ?? -.infinity, $0.query) }
    }

    // MARK: Streams and frames

    package func addStream(_ name: String) {
        let patches = model.architecture.vision.linearPatch
        streams[name] = StreamState(
            window: FrameWindow(width: width, capacity: windowCapacity, hasEdges: patches == .spatiotemporal))
    }

    /// Forgets a stream; its open events end.
    package func removeStream(_ name: String) -> [Detection] {
        defer { streams[name] = nil }
        encoder.forget(name)
        return closeEvents(of: name)
    }

    /// Takes the next frames of all streams through to scores and events, in order.
    package func process(_ items: [QueuedItem], wantScores: Bool = false) throws -> Step {
        let began = ThreadClock.nanoseconds
        defer { time.add(all: ThreadClock.nanoseconds - began) }
        let items = items.filter { streams[$0.stream] != nil }
        var embeddings = try embed(items).makeIterator()
        time.add(encode: ThreadClock.nanoseconds - began)
        var step = Step()
        var due: [GroupKey: DueWindows] = [:]
        var order: [Action] = []
        for item in items {
            switch item.item {
            case .end:
                streams[item.stream]?.window.clear()
                order.append(.close(item.stream))
                step.ended.append(item.stream)
            case .frame(let frame):
                guard let embedding = embeddings.next() else { continue }
                if embedding.isNew { step.encoded += 1 } else { step.reused += 1 }
                if frame.discontinuity {
                    streams[item.stream]?.window.clear()
                    order.append(.close(item.stream))
                }
                if let (inner, first) = embedding.completed {
                    streams[item.stream]?.window.complete(inner: inner, first: first)
                }
                streams[item.stream]?.window.append(
                    embedding.newest, mediaTime: frame.mediaTime, wallClock: frame.wallClock.timeIntervalSince1970)
                for key in groups.keys {
                    guard let state = streams[item.stream], partial || state.window.count >= key.frames else {
                        continue
                    }
                    var windows = due[key] ?? DueWindows()
                    let offset = windows.frames.count
                    windows.frames += [Float](repeating: 0, count: key.frames * width)
                    guard let span = state.window.copyLast(key.frames, into: &windows.frames, at: offset) else {
                        continue
                    }
                    windows.spans.append(span)
                    windows.streams.append(item.stream)
                    due[key] = windows
                    order.append(.score(key, windows.spans.count - 1))
                }
            }
        }
        let scores = try scoreDue(due)
        for action in order {
            switch action {
            case .close(let stream): step.detections += closeEvents(of: stream)
            case .score(let key, let index):
                guard let windows = due[key], let group = groups[key], let values = scores[key]?[index] else {
                    continue
                }
                observe(group, windows.streams[index], windows.spans[index], values, &step, wantScores)
            }
        }
        return step
    }

    private func embed(_ items: [QueuedItem]) throws -> [FrameEmbeddings] {
        do {
            return try encoder.encode(items)
        } catch {
            for item in items { streams[item.stream]?.window.clear() }
            throw error
        }
    }

    private func scoreDue(_ due: [GroupKey: DueWindows]) throws -> [GroupKey: [[Float?]]] {
        var scores: [GroupKey: [[Float?]]] = [:]
        for (key, windows) in due {
            guard let group = groups[key] else { continue }
            let keep = windows.streams.map { stream in
                Set(streams[stream]?.trackers.filter { !$0.value.event.isEmpty }.keys.map { $0 } ?? [])
            }
            scores[key] = try group.score(
                windows.frames, valid: windows.spans.map(\.frames), keep: keep, rerank: rerank)
        }
        return scores
    }

    private func observe(
        _ group: QueryGroup, _ stream: String, _ span: WindowSpan, _ scores: [Float?], _ step: inout Step,
        _ wantScores: Bool
    ) {
        step.scored += 1
        for (row, id) in group.ids.enumerated() {
            guard let query = queries[id], query.settings.enabled, query.settings.selector.matches(stream) else {
                continue
            }
            if wantScores {
                step.scores.append(
                    WindowScore(
                        stream: stream, span: span, query: id, text: query.text, head: query.head, score: scores[row]))
            }
            guard let score = scores[row], let threshold = query.rule.fixedThreshold else { continue }
            streams[stream]?.lastScores[id] = score
            var tracked =
                streams[stream]?.trackers[id]
                ?? Tracked(tracker: EventTracker(query.settings.policy))
            for transition in tracked.tracker.observe(score, threshold: threshold, span: span) {
                if transition.phase == .start { tracked.event = ULID.make() }
                step.detections.append(detection(query, stream, transition, event: tracked.event))
                if transition.phase == .end { tracked.event = "" }
            }
            streams[stream]?.trackers[id] = tracked
        }
    }

    private func closeEvents(of stream: String) -> [Detection] {
        guard let trackers = streams[stream]?.trackers else { return [] }
        var ended: [Detection] = []
        for id in trackers.keys.sorted() {
            guard let query = queries[id], var tracked = trackers[id], let transition = tracked.tracker.close() else {
                continue
            }
            ended.append(detection(query, stream, transition, event: tracked.event))
        }
        streams[stream]?.trackers = [:]
        return ended
    }

    private func detection(
        _ query: StandingQuery, _ stream: String, _ transition: EventTracker.Transition, event: String
    ) -> Detection {
        Detection(event: event, query: query, stream: stream, transition: transition, model: model.identity)
    }

    // MARK: Groups

    private var width: Int { model.architecture.embedding }
    private var windowCapacity: Int { max(groups.keys.map(\.frames).max() ?? 1, model.defaults.frames) }

    private func makeGroup(_ key: GroupKey) throws -> QueryGroup {
        guard key.frames > 1 || model.architecture.vision.linearPatch == .planar else {
            throw ModelError(model.url.path, "its 3D patches see neighbouring frames: windows need 2 frames or more")
        }
        let library = try finder.load(key.head)
        let head = try Head(
            library, width: width, maxFrames: key.frames, weights: model.headTensors(key.head),
            config: model.defaults.configuration(ofHead: key.head))
        let candidates =
            library.pools ? nil : try Head(finder.load("mean"), width: width, maxFrames: key.frames, weights: [:])
        return QueryGroup(key: key, head: head, candidates: candidates, width: width)
    }

    /// A longer window length came: streams keep what they have and grow.
    private func growWindows() {
        for name in streams.keys where (streams[name]?.window.capacity ?? 0) < windowCapacity {
            streams[name]?.window.grow(to: windowCapacity)
        }
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

private enum Action {
    case close(String)
    case score(GroupKey, Int)
}

private struct DueWindows {
    var frames: [Float] = []
    var spans: [WindowSpan] = []
    var streams: [String] = []
}
