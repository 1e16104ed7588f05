package import CLIP
package import Heads
package import Matching
import Pixels
package import StreamSources
import Synchronization

/// Completes queries and streams of a configuration with the model's defaults, such as window length and threshold.
package struct Defaults: Sendable {
    package var fps: Double
    package var frames: Int
    package var head: String
    private let prompts: [String]
    private let threshold: Double?
    private let thresholds: [String: Double]
    private let framing: Framing
    private let finder: HeadFinder
    private let heads = KnownHeads()

    /// Takes each default from the arguments, or else from the model.
    ///
    /// The model's head (its scoring plugin) is used only if plugin and weights are present; otherwise it is `mean`.
    package init(
        model: ModelDirectory, finder: HeadFinder, head: String? = nil, frames: Int? = nil, fps: Double? = nil,
        threshold: Double? = nil, prompts: [String]? = nil
    ) {
        self.fps = fps ?? model.defaults.fps
        self.frames = frames ?? model.defaults.frames
        self.head = head ?? (finder.names.contains(model.defaults.head) ? model.defaults.head : "mean")
        self.threshold = threshold
        self.prompts = prompts ?? model.defaults.prompts
        thresholds = model.defaults.thresholds
        framing = model.preprocessing.framing
        self.finder = finder
    }

    /// Returns a complete query, with the model's defaults for missing keys; throws if it is invalid.
    ///
    /// A query without a threshold gets the model's threshold for its head (scoring plugin); if there is none, it
    /// throws. An unknown head is reported before any other error.
    package func query(_ from: QueryConfiguration) throws -> StandingQuery {
        let id = from.idOrSlug
        let head = from.head ?? self.head
        let scores = try heads.scores(of: head, in: finder)
        guard let rule = from.rule ?? (threshold ?? thresholds[head]).map({ .score(Float($0)) }) else {
            throw QueryError(
                id, "the model has no default threshold for head \"\(head)\"; give the query one (threshold: 0.25)")
        }
        return try from.standing(
            id: id, head: head, scores: scores, frames: from.frames ?? frames, rule: rule, prompts: prompts)
    }

    package func source(_ from: StreamConfiguration) -> SourceDescription {
        var source = SourceDescription(
            uri: from.uri, template: from.template, fps: from.fps ?? fps, decode: from.decode ?? .auto,
            realtime: from.realtime ?? false, loop: from.loop ?? false, side: framing.side, launch: from.launch,
            gate: from.gate,
            regions: from.rectangles, previews: from.snapshots ?? true, frozen: from.frozen ?? 60,
            credentials: from.credentials, framing: framing
        )
        (source.transport, source.trust) = (from.transport, from.tls)
        return source
    }
}

/// A cache of the kinds of scores of heads (scoring plugins), so that many queries search the directories only once.
private final class KnownHeads: Sendable {
    private let kinds = Mutex<[String: ScoreKind]>([:])

    /// Returns whether a head (a scoring plugin) gives cosines or logits; throws if there is no such head.
    func scores(of name: String, in finder: HeadFinder) throws -> ScoreKind {
        if let known = kinds.withLock({ $0[name] }) { return known }
        let kind: ScoreKind = try finder.load(name).givesCosines ? .cosines : .logits
        kinds.withLock { $0[name] = kind }
        return kind
    }
}
