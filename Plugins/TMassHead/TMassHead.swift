import Checkpoints
import HeadKit
import Tensors
import Transformer
public import WatchwordHeadABI

/// T-MASS head: the best cosine of several randomly shifted copies of the text with the window's pooled frames.
///
/// Frames are pooled by the text's attention, as in X-Pool. All pairs share the same random vectors, so that a score
/// depends only on its pair. A window with too few frames repeats its last frame, as T-MASS's data loader does. Source:
/// Jiamian-Wang/T-MASS-text-video-retrieval, commit 417fdf1; docs/MATHEMATICS.md, section 13.2.
final class TMassHead: PairingHead {
    let width: Int
    let maxFrames: Int
    /// The number of frames that the weights expect; the window length is at most this.
    ///
    /// The text's cosines with these frames determine how far the text's copies are shifted.
    private let frames: Int
    private let pooling: PooledByText
    private let branch: Linear
    private let noise: Matrix?
    private let rows: PairRows
    private let pooled: Matrix
    private let cosines: Matrix
    private let radius: Matrix

    init(width d: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws {
        let name = "stochastic.std_branch.linear_proj"
        guard let shape = weights.tensors["\(name).weight"]?.shape else {
            throw CheckpointError(weights.origin, .missingTensor("\(name).weight"))
        }
        guard let frames = shape.last, shape == [d, frames], frames > 0 else {
            throw HeadCallError(WW_BAD_WEIGHTS, "tensor \"\(name).weight\" has shape \(shape), expected [\(d), frames]")
        }
        guard maxFrames <= frames else {
            throw HeadCallError(WW_BAD_SHAPE, "windows of \(maxFrames) frames, and the weights are for \(frames)")
        }
        (width, self.maxFrames, self.frames) = (d, maxFrames, frames)
        pooling = try PooledByText(weights, width: d, heads: config.attentionHeads(width: d, default: 1))
        branch = try Linear(
            weight: weights.floats("\(name).weight"), bias: weights.floats("\(name).bias", shape: [d]),
            inputs: frames, outputs: d)
        let table = try NoiseTable(config)
        noise = table.trials == 0 ? nil : Matrix(table.values(width: d), columns: d)
        rows = PairRows(width: d)
        pooled = Matrix(rows: 0, columns: d)
        cosines = Matrix(rows: 0, columns: frames)
        radius = Matrix(rows: 0, columns: d)
    }

    func score(_ pairs: Pairs, into out: UnsafeMutableBufferPointer<Float>) throws {
        rows.fill(pairs, room: frames, repeatingLast: true)
        try pooling(texts: rows.texts, frames: rows.frames, first: rows.first, counts: rows.counts, into: pooled)
        guard let noise else { return rows.texts.cosines(with: pooled, into: out) }
        cosines.cosines(texts: rows.texts, frames: rows.frames, first: rows.first)
        radius.resize(rows: pairs.count)
        try branch(cosines, into: radius)
        radius.exponentiate()
        rows.texts.cosines(with: pooled, radius: radius, noise: noise, into: out)
    }
}

private let descriptor = HeadDescriptor(
    name: "tmass", version: "1.0.0", description: "X-Pool with texts as regions, best of fixed trials (T-MASS)",
    scores: .cosines,
    create: { HeadCalls.create(TMassHead.self, $0, $1, $2, $3, $4, $5, $6, $7) })

/// The plugin's C entry point, its only exported function; returns the head's descriptor, never nil.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
