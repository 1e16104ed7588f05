import CKernels
import Foundation

/// The C functions of a training step other than matrix products, for one number type; they use all workers.
package struct TrainingKernels<Real: Sendable>: Sendable {
    typealias In = UnsafePointer<Real>
    typealias Out = UnsafeMutablePointer<Real>

    let layerNorm: @Sendable (Out, Out, Out, In, In, In, Double, Int, Int) -> Void
    let layerNormBack: @Sendable (Out, Out, Out, In, In, In, In, Int, Int) -> Void
    let quickGELU: @Sendable (Out, In, Int) -> Void
    let quickGELUBack: @Sendable (Out, In, In, Int) -> Void
    let gelu: @Sendable (Out, In, Int) -> Void
    let geluBack: @Sendable (Out, In, In, Int) -> Void
    let add: @Sendable (Out, In, Int) -> Void
    let fillRows: @Sendable (Out, In, Int, Int) -> Void
    let addColumns: @Sendable (Out, In, Int, Int) -> Void
    let attend: @Sendable (Out, Out, In, UnsafePointer<ww_heads>) -> Void
    let attendBack: @Sendable (Out, In, In, In, UnsafePointer<ww_heads>) -> Void
    let squares: @Sendable (In, Int) -> Double
    let adam: @Sendable (Out, In, Out, Out, Int, UnsafePointer<ww_adam_step>) -> Void
}

extension TrainingKernels<Float> {
    static let single = TrainingKernels(
        layerNorm: { ww_f32_layer_norm($0, $1, $2, $3, $4, $5, $6, $7, $8) },
        layerNormBack: { ww_f32_layer_norm_back($0, $1, $2, $3, $4, $5, $6, $7, $8) },
        quickGELU: { ww_f32_quick_gelu($0, $1, $2) }, quickGELUBack: { ww_f32_quick_gelu_back($0, $1, $2, $3) },
        gelu: { ww_f32_gelu($0, $1, $2) }, geluBack: { ww_f32_gelu_back($0, $1, $2, $3) },
        add: { ww_f32_add($0, $1, $2) }, fillRows: { ww_f32_fill_rows($0, $1, $2, $3) },
        addColumns: { ww_f32_add_columns($0, $1, $2, $3) }, attend: { ww_f32_attend($0, $1, $2, $3) },
        attendBack: { ww_f32_attend_back($0, $1, $2, $3, $4) }, squares: { ww_f32_squares($0, $1) },
        adam: { ww_f32_adam($0, $1, $2, $3, $4, $5) })
}

extension TrainingKernels<Double> {
    static let double = TrainingKernels(
        layerNorm: { ww_f64_layer_norm($0, $1, $2, $3, $4, $5, $6, $7, $8) },
        layerNormBack: { ww_f64_layer_norm_back($0, $1, $2, $3, $4, $5, $6, $7, $8) },
        quickGELU: { ww_f64_quick_gelu($0, $1, $2) }, quickGELUBack: { ww_f64_quick_gelu_back($0, $1, $2, $3) },
        gelu: { ww_f64_gelu($0, $1, $2) }, geluBack: { ww_f64_gelu_back($0, $1, $2, $3) },
        add: { ww_f64_add($0, $1, $2) }, fillRows: { ww_f64_fill_rows($0, $1, $2, $3) },
        addColumns: { ww_f64_add_columns($0, $1, $2, $3) }, attend: { ww_f64_attend($0, $1, $2, $3) },
        attendBack: { ww_f64_attend_back($0, $1, $2, $3, $4) }, squares: { ww_f64_squares($0, $1) },
        adam: { ww_f64_adam($0, $1, $2, $3, $4, $5) })
}

/// The constants of one step of the Adam optimiser; `ww_adam_step` gives the formula.
package struct AdamStep: Sendable {
    package var scale = 1.0
    package var rate: Double
    package var shrink = 1.0
    package var decay = 0.0
    package var root = 1.0
    package var epsilon: Double

    package init(rate: Double, epsilon: Double) { (self.rate, self.epsilon) = (rate, epsilon) }

    fileprivate var stored: ww_adam_step {
        ww_adam_step(scale: scale, rate: rate, shrink: shrink, decay: decay, root: root, epsilon: epsilon)
    }
}

/// The sizes of attention in training: B sequences of T tokens, W numbers wide, in H heads.
///
/// `lengths` gives the number of keys that are used in each sequence; nil means all.
package struct AttentionSizes: Sendable {
    package var B, T, W, H: Int
    package var lengths: [Int]?
    package var isCausal: Bool

    package init(B: Int, T: Int, W: Int, H: Int, lengths: [Int]? = nil, isCausal: Bool = false) {
        (self.B, self.T, self.W, self.H) = (B, T, W, H)
        (self.lengths, self.isCausal) = (lengths, isCausal)
    }

    fileprivate func with(_ body: (UnsafePointer<ww_heads>) -> Void) {
        precondition(lengths.map { $0.count == B } ?? true && W % H == 0)
        let known = lengths.map { $0.map { Int32(min(max($0, 0), T)) } }
        func call(_ pointer: UnsafePointer<Int32>?) {
            var heads = ww_heads(B: B, T: T, W: W, H: H, lengths: pointer, causal: isCausal ? 1 : 0)
            body(&heads)
        }
        if let known { known.withUnsafeBufferPointer { call($0.baseAddress) } } else { call(nil) }
    }
}

extension ProductScalar {
    /// Returns an array of `count` numbers that `body` writes; `body` must write all of them.
    private static func filled(_ count: Int, _ body: (UnsafeMutablePointer<Self>) -> Void) -> [Self] {
        [Self](unsafeUninitializedCapacity: count) { buffer, made in
            if let base = buffer.baseAddress, count > 0 { body(base) }
            made = count
        }
    }

    /// Applies LayerNorm to the rows of `x` `[N, W]`, with its weight and bias taken from the parameter array `p`.
    ///
    /// `weight` and `bias` are the indices in `p` where these vectors begin. Also returns what the backward pass needs:
    /// the normalised rows before weight and bias, and 1 / deviation of each row.
    package static func layerNorm(
        _ x: [Self], _ p: [Self], weight: Int, bias: Int, width W: Int, epsilon: Double
    ) -> (y: [Self], normalised: [Self], inverse: [Self]) {
        let N = x.count / W
        precondition(x.count == N * W && weight >= 0 && bias >= 0 && max(weight, bias) + W <= p.count)
        var (normalised, inverse): ([Self], [Self]) = ([], [])
        let y = filled(x.count) { y in
            normalised = filled(x.count) { normalised in
                inverse = filled(N) { inverse in
                    p.withUnsafeBufferPointer { p in
                        guard let p = p.baseAddress else { return }
                        kernels.layerNorm(y, normalised, inverse, x, p + weight, p + bias, epsilon, N, W)
                    }
                }
            }
        }
        return (y, normalised, inverse)
    }

    /// Computes LayerNorm's backward pass: returns the gradient of its input, and adds its parameters' gradients to
    /// `g`.
    ///
    /// `dy` is the gradient of the output; `normalised` and `inverse` come from `layerNorm`. `weight` and `bias` are
    /// the indices in `p` and `g` where these vectors begin.
    package static func layerNormBack(
        _ dy: [Self], normalised: [Self], inverse: [Self], _ p: [Self], _ g: inout [Self], weight: Int, bias: Int,
        width W: Int
    ) -> [Self] {
        let N = inverse.count
        precondition(dy.count == N * W && normalised.count == N * W && g.count == p.count)
        precondition(weight >= 0 && bias >= 0 && max(weight, bias) + W <= p.count)
        return filled(dy.count) { dx in
            g.withUnsafeMutableBufferPointer { g in
                p.withUnsafeBufferPointer { p in
                    guard let g = g.baseAddress, let p = p.baseAddress else { return }
                    kernels.layerNormBack(dx, g + weight, g + bias, dy, normalised, inverse, p + weight, N, W)
                }
            }
        }
    }

    package static func quickGELU(_ x: [Self]) -> [Self] { filled(x.count) { kernels.quickGELU($0, x, x.count) } }

    package static func quickGELUBack(_ dy: [Self], _ x: [Self]) -> [Self] {
        precondition(dy.count == x.count)
        return filled(x.count) { kernels.quickGELUBack($0, dy, x, x.count) }
    }

    package static func gelu(_ x: [Self]) -> [Self] { filled(x.count) { kernels.gelu($0, x, x.count) } }

    package static func geluBack(_ dy: [Self], _ x: [Self]) -> [Self] {
        precondition(dy.count == x.count)
        return filled(x.count) { kernels.geluBack($0, dy, x, x.count) }
    }

    package static func add(_ x: [Self], to y: inout [Self]) {
        precondition(x.count == y.count)
        kernels.add(&y, x, x.count)
    }

    /// Returns a matrix `[N, W]` whose rows are all equal to `p[place..<place + W]`.
    package static func rows(_ N: Int, of p: [Self], at place: Int, width W: Int) -> [Self] {
        precondition(place >= 0 && place + W <= p.count)
        return filled(N * W) { y in
            p.withUnsafeBufferPointer { p in
                if let p = p.baseAddress { kernels.fillRows(y, p + place, N, W) }
            }
        }
    }

    /// Adds the sum of each column of `x` `[N, W]` to `g[place..<place + W]`.
    package static func addColumns(_ x: [Self], width W: Int, to g: inout [Self], at place: Int) {
        precondition(x.count % W == 0 && place >= 0 && place + W <= g.count)
        g.withUnsafeMutableBufferPointer { g in
            if let g = g.baseAddress { kernels.addColumns(g + place, x, x.count / W, W) }
        }
    }

    /// Computes softmax attention of `packed` `[B, T, 3W]`: the result `[B, T, W]` and the probabilities `[B, H, T,
    /// T]`.
    ///
    /// A row of `packed` holds a token's query, key and value side by side.
    package static func attend(_ packed: [Self], _ sizes: AttentionSizes) -> (context: [Self], probabilities: [Self]) {
        let rows = sizes.B * sizes.T
        precondition(packed.count == rows * 3 * sizes.W)
        var probabilities: [Self] = []
        let context = filled(rows * sizes.W) { context in
            probabilities = filled(rows * sizes.H * sizes.T) { probabilities in
                sizes.with { kernels.attend(context, probabilities, packed, $0) }
            }
        }
        return (context, probabilities)
    }

    /// Computes attention's backward pass: returns the gradient of `packed`, its queries, keys and values `[B, T, 3W]`.
    ///
    /// `dContext` is the gradient of attention's result; `probabilities` come from `attend`.
    package static func attendBack(
        _ dContext: [Self], _ packed: [Self], probabilities: [Self], _ sizes: AttentionSizes
    ) -> [Self] {
        let rows = sizes.B * sizes.T
        precondition(dContext.count == rows * sizes.W && packed.count == rows * 3 * sizes.W)
        precondition(probabilities.count == rows * sizes.H * sizes.T)
        return filled(packed.count) { dPacked in
            sizes.with { kernels.attendBack(dPacked, dContext, packed, probabilities, $0) }
        }
    }

    /// Returns the sum of the squares of `x[range]`.
    package static func squares(_ x: [Self], _ range: Range<Int>) -> Double {
        precondition(range.lowerBound >= 0 && range.upperBound <= x.count)
        return x.withUnsafeBufferPointer { x in
            x.baseAddress.map { kernels.squares($0 + range.lowerBound, range.count) } ?? 0
        }
    }

    /// Applies one step of the Adam optimiser to the parameters `p[range]`, and updates its running means `m` and `v`.
    package static func adam(
        _ p: inout [Self], _ gradient: [Self], _ m: inout [Self], _ v: inout [Self], _ range: Range<Int>,
        _ step: AdamStep
    ) {
        precondition(range.lowerBound >= 0 && range.upperBound <= p.count)
        precondition(gradient.count == p.count && m.count == p.count && v.count == p.count)
        let (start, count) = (range.lowerBound, range.count)
        p.withUnsafeMutableBufferPointer { p in
            m.withUnsafeMutableBufferPointer { m in
                v.withUnsafeMutableBufferPointer { v in
                    gradient.withUnsafeBufferPointer { g in
                        guard let p = p.baseAddress, let m = m.baseAddress, let v = v.baseAddress,
                            let g = g.baseAddress
                        else { return }
                        var stored = step.stored
                        kernels.adam(p + start, g + start, m + start, v + start, count, &stored)
                    }
                }
            }
        }
    }
}
