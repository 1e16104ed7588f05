import Foundation
import Tensors

// V = videos, T = frames, D = width; gates in PyTorch's order: input, forget, cell, output

/// CLIP4Clip's seqLSTM head: one LSTM layer over a video's frame embeddings, whose output is added to them.
///
/// The LSTM also runs over the padding after a video's valid frames, which is masked later and has no effect. Source:
/// docs/MATHEMATICS.md, section 7.
struct LSTMHead: Sendable {
    private let D: Int
    private let input: Linear
    private let recurrent: Linear

    init(_ layout: inout ParameterLayout, width D: Int) {
        self.D = D
        input = Linear(
            &layout, weight: "lstm_visual.weight_ih_l0", bias: "lstm_visual.bias_ih_l0", inputs: D, outputs: 4 * D)
        recurrent = Linear(
            &layout, weight: "lstm_visual.weight_hh_l0", bias: "lstm_visual.bias_hh_l0", inputs: D, outputs: 4 * D)
    }

    struct Saved<Real: ProductScalar> {
        /// The LSTM's values in each time step, which the backward pass needs.
        ///
        /// These are the gates `[V, 4D]`, the cell state before and after the step, and the hidden state before it,
        /// each `[V, D]`.
        fileprivate var steps: [(gates: [Real], before: [Real], cells: [Real], state: [Real])] = []
    }

    func forward<Real: ProductScalar>(_ windows: Windows<Real>, _ p: [Real]) -> (frames: [Real], saved: Saved<Real>) {
        let (V, T) = (windows.valid.count, windows.length)
        let fromInput = input.forward(windows.frames, rows: V * T, p)
        var state = [Real](repeating: 0, count: V * D)
        var cells = state
        var saved = Saved<Real>()
        var out = windows.frames
        for t in 0..<T {
            var gates = recurrent.forward(state, rows: V, p)
            let (before, stateBefore) = (cells, state)
            for v in 0..<V {
                for index in 0..<4 * D {
                    let value = gates[v * 4 * D + index] + fromInput[(v * T + t) * 4 * D + index]
                    gates[v * 4 * D + index] = index / D == 2 ? hyperbolicTangent(value) : sigmoid(value)
                }
                for d in 0..<D {
                    let g = v * 4 * D + d
                    cells[v * D + d] = gates[g + D] * before[v * D + d] + gates[g] * gates[g + 2 * D]
                    state[v * D + d] = gates[g + 3 * D] * hyperbolicTangent(cells[v * D + d])
                    out[(v * T + t) * D + d] += state[v * D + d]
                }
            }
            saved.steps.append((gates, before, cells, stateBefore))
        }
        return (out, saved)
    }

    /// Returns the gradient of the frame embeddings; adds the parameters' gradients to `g`.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ windows: Windows<Real>, _ saved: Saved<Real>, _ p: [Real], _ g: inout [Real]
    ) -> [Real] {
        let (V, T) = (windows.valid.count, windows.length)
        var dInput = [Real](repeating: 0, count: V * T * 4 * D)
        var dState = [Real](repeating: 0, count: V * D)
        var dCells = dState
        for t in (0..<T).reversed() {
            let step = saved.steps[t]
            var dGates = [Real](repeating: 0, count: V * 4 * D)
            for v in 0..<V {
                for d in 0..<D {
                    let (at, place) = (v * 4 * D + d, v * D + d)
                    let (i, f, c, o) = (
                        step.gates[at], step.gates[at + D], step.gates[at + 2 * D], step.gates[at + 3 * D]
                    )
                    let bent = hyperbolicTangent(step.cells[place])
                    let dh = dState[place] + dy[(v * T + t) * D + d]
                    let dc = dCells[place] + dh * o * (1 - bent * bent)
                    dGates[at] = dc * c * i * (1 - i)
                    dGates[at + D] = dc * step.before[place] * f * (1 - f)
                    dGates[at + 2 * D] = dc * i * (1 - c * c)
                    dGates[at + 3 * D] = dh * bent * o * (1 - o)
                    dCells[place] = dc * f
                }
                for index in 0..<4 * D { dInput[(v * T + t) * 4 * D + index] = dGates[v * 4 * D + index] }
            }
            dState = recurrent.backward(dGates, step.state, rows: V, p, &g)
        }
        var dx = input.backward(dInput, windows.frames, rows: V * T, p, &g)
        add(dy, to: &dx)
        return dx
    }
}

private func hyperbolicTangent<Real: ProductScalar>(_ x: Real) -> Real { 2 * sigmoid(2 * x) - 1 }
