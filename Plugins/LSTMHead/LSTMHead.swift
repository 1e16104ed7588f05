import Checkpoints
import HeadKit
import Tensors
public import WatchwordHeadABI

/// CLIP4Clip's seqLSTM head: an LSTM layer whose outputs are added to a window's frames, then averaged over the frames.
///
/// Gates are in PyTorch's order i, f, g, o; the initial state is zero; there is no position embedding. Source:
/// docs/MATHEMATICS.md, section 7.
final class LSTMHead: PoolingHead {
    let width: Int
    let maxFrames: Int
    /// The LSTM's input product `W_ih x + b_ih + b_hh`, computed for all frames at once.
    private let input: Linear
    /// The LSTM's recurrent product `W_hh h`, added frame after frame.
    private let recurrent: Linear

    private let frames: Matrix
    private let projected: Matrix
    private let gates: Matrix
    private let hidden: Matrix
    private let cell: Matrix
    private let outputs: Matrix

    init(width d: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws {
        width = d
        self.maxFrames = maxFrames
        let biases = try zip(
            weights.floats("lstm_visual.bias_ih_l0", shape: [4 * d]),
            weights.floats("lstm_visual.bias_hh_l0", shape: [4 * d])
        ).map { $0 + $1 }
        input = try Linear(
            weight: weights.floats("lstm_visual.weight_ih_l0", shape: [4 * d, d]), bias: biases, inputs: d,
            outputs: 4 * d)
        recurrent = try Linear(
            weight: weights.floats("lstm_visual.weight_hh_l0", shape: [4 * d, d]), bias: nil, inputs: d,
            outputs: 4 * d, accumulate: true)
        frames = Matrix(rows: 0, columns: d)
        projected = Matrix(rows: 0, columns: 4 * d)
        gates = Matrix(rows: 0, columns: 4 * d)
        hidden = Matrix(rows: 0, columns: d)
        cell = Matrix(rows: 0, columns: d)
        outputs = Matrix(rows: 0, columns: d)
    }

    func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) throws {
        let T = windows.frameCount
        frames.resize(rows: windows.count * T)
        projected.resize(rows: windows.count * T)
        outputs.resize(rows: windows.count * T)
        for b in 0..<windows.count { frames.write(windows[b], atRow: b * T, room: T) }
        try input(frames, into: projected)
        gates.resize(rows: windows.count)
        hidden.resize(rows: windows.count)
        cell.resize(rows: windows.count)
        for t in 0..<Int(windows.valid.max() ?? 0) {
            for b in 0..<windows.count { gates.copyRow(b, from: projected, row: b * T + t) }
            if t > 0 { try recurrent(hidden, into: gates) }
            LSTMStep.run(gates, first: t == 0, cell: cell, hidden: hidden)
            for b in 0..<windows.count { outputs.copyRow(b * T + t, from: hidden, row: b) }
        }
        outputs.pool(adding: windows.frames, lengths: windows.valid, frames: T, into: out)
    }
}

private let descriptor = HeadDescriptor(
    name: "lstm", version: "1.0.0", description: "one LSTM layer over the frames (CLIP4Clip seqLSTM)",
    create: { HeadCalls.create(LSTMHead.self, $0, $1, $2, $3, $4, $5, $6, $7) })

/// The plugin's C entry point, its only exported function; returns the head's descriptor, never nil.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
