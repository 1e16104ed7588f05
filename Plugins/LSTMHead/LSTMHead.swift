import Checkpoints
import Foundation
import HeadKit
import Tensors
public import WatchwordHeadABI

/// CLIP4Clip's seqLSTM: one LSTM layer over the valid frames, the frames added to its output, then the mean head's end.
///
/// Source: CLIP4CLIP section 7. PyTorch's gate order i, f, g, o; zero initial state; no position embedding (S8).
final class LSTMHead: PoolingHead {
    let width: Int
    let maxFrames: Int
    /// `W_ih x + b_ih + b_hh`, for all frames at once.
    private let input: Linear
    /// Adds `W_hh h` to it, frame after frame.
    private let recurrent: Linear

    /// Windows that step together.
    private static let batch = 64
    private let frames: Matrix
    private let projected: Matrix
    private let gates: Matrix
    private let hidden: Matrix
    private let cell: Matrix
    private var rows: [Float] = []
    private var output: [Float] = []

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
    }

    func pool(_ windows: Windows, into out: UnsafeMutableBufferPointer<Float>) throws {
        output.removeAll(keepingCapacity: true)
        for first in stride(from: 0, to: windows.count, by: Self.batch) {
            try run(windows, first..<min(first + Self.batch, windows.count))
        }
        output.withUnsafeBufferPointer {
            MaskedMean.pool(
                Windows(frames: $0, valid: windows.valid, frameCount: windows.frameCount, width: width), into: out)
        }
    }

    /// Appends `lstm(frames) + frames` of some windows, `[windows, T, d]`, to `output`.
    private func run(_ windows: Windows, _ range: Range<Int>) throws {
        let T = windows.frameCount
        rows.removeAll(keepingCapacity: true)
        for b in range { windows.append(b, to: &rows) }
        frames.resize(rows: range.count * T)
        projected.resize(rows: frames.rows)
        frames.write(rows, atRow: 0)
        try input(frames, into: projected)
        for state in [gates, hidden, cell] { state.resize(rows: range.count) }
        let start = output.count
        output.append(contentsOf: rows)
        for t in 0..<(windows.valid[range].max() ?? 0) {
            for b in 0..<range.count { gates.copyRow(b, from: projected, row: b * T + t) }
            if t > 0 { try recurrent(hidden, into: gates) }
            for b in 0..<range.count {
                step(b, first: t == 0)
                guard t < windows.valid[range.lowerBound + b] else { continue }
                let row = start + (b * T + t) * width
                for i in 0..<width { output[row + i] += hidden[b, i] }
            }
        }
    }

    /// One window's gates to its next cell and hidden state.
    private func step(_ b: Int, first: Bool) {
        for i in 0..<width {
            let kept = first ? 0 : sigmoid(gates[b, width + i]) * cell[b, i]
            let next = kept + sigmoid(gates[b, i]) * tanh(gates[b, 2 * width + i])
            cell[b, i] = next
            hidden[b, i] = sigmoid(gates[b, 3 * width + i]) * tanh(next)
        }
    }

    private func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
}

private let descriptor = HeadDescriptor(
    name: "lstm", version: "1.0.0", description: "one LSTM layer over the frames (CLIP4Clip seqLSTM)",
    create: { width, frames, tensors, count, config, instance, why, size in
        HeadCalls.create(LSTMHead.self, width, frames, tensors, count, config, instance, why, size)
    },
    destroy: { HeadCalls.destroy(LSTMHead.self, $0) },
    pool: { instance, frames, mask, B, T, out, why, size in
        HeadCalls.pool(LSTMHead.self, instance, frames, mask, B, T, out, why, size)
    })

/// The plugin's one exported function.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
