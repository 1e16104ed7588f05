package import Checkpoints
import WatchwordHeadABI

/// An instance of a head plugin with its weights: it pools windows of frames, or scores pairs of text and window.
///
/// Not Sendable: all calls must run on the compute executor, the one thread for all models and plugins.
package final class Head {
    package let library: HeadLibrary
    package let width: Int
    package let maxFrames: Int
    package var name: String { library.name }
    private let instance: UnsafeMutableRawPointer

    // Buffers for the arguments of a call, kept so that calls allocate nothing after the first ones.
    private var mask: [UInt8] = []
    private var pairText: [Int32] = []
    private var pairWindow: [Int32] = []
    private var why = [CChar](repeating: 0, count: whySize)

    private static let whySize = 512

    /// Creates an instance of the plugin `library`; throws if the plugin rejects the sizes, weights or configuration.
    ///
    /// `config` is a JSON object. The weights are lent to the plugin only for the duration of the call.
    package init(
        _ library: HeadLibrary, width: Int, maxFrames: Int, weights: [String: HeadWeights], config: String = "{}"
    ) throws(HeadError) {
        self.library = library
        self.width = width
        self.maxFrames = maxFrames
        guard width > 0, maxFrames > 0, let d = Int32(exactly: width), let frames = Int32(exactly: maxFrames) else {
            throw HeadError(
                plugin: library.name,
                reason: .call("create", why: "no head has width \(width) and windows of \(maxFrames) frames"))
        }
        var made: UnsafeMutableRawPointer?
        var why = self.why
        let status = Self.lend(weights) { tensors in
            library.descriptor.create(d, frames, tensors.baseAddress, tensors.count, config, &made, &why, Self.whySize)
        }
        guard status == WW_OK, let made else {
            throw HeadError(plugin: library.name, reason: .call("create", why: Self.text(why, status)))
        }
        instance = made
    }

    deinit { library.descriptor.destroy(instance) }

    /// Pools windows of frame embeddings `[count, T, width]` into clip embeddings `[count, width]`, written to `out`.
    ///
    /// Only the first `valid[b]` frames of window `b` count. `out` is resized to the result. Throws if the shapes do
    /// not fit, or if a clip embedding does not have length 1; the contents of `out` are then undefined.
    package func pool(_ frames: [Float], valid: [Int], frames T: Int, into out: inout [Float]) throws(HeadError) {
        guard let pool = library.descriptor.pool else {
            throw failure("pool", "it scores texts and windows together only")
        }
        let (B, T) = try check(frames, valid, T, in: "pool")
        out.resize(to: valid.count * width)
        guard B > 0 else { return }
        why[0] = 0
        let status = pool(instance, frames, mask, B, T, &out, &why, Self.whySize)
        guard status == WW_OK else { throw failure("pool", Self.text(why, status)) }
        for b in valid.indices {
            let length = out.squares(b * width, width).squareRoot()
            // NaN fails this comparison, too.
            guard abs(length - 1) <= 1e-3 else {
                throw failure("pool", "it gave window \(b) a clip embedding of length \(length), not 1")
            }
        }
    }

    /// Pools windows of frame embeddings `[count, T, width]` and returns their clip embeddings `[count, width]`.
    ///
    /// Only the first `valid[b]` frames of window `b` count.
    package func pool(_ frames: [Float], valid: [Int], frames T: Int) throws(HeadError) -> [Float] {
        var out: [Float] = []
        try pool(frames, valid: valid, frames: T, into: &out)
        return out
    }

    /// Scores pairs of a text and a window of frames; throws if the head does not score pairs.
    ///
    /// `texts` is `[texts, width]`, `frames` is `[windows, T, width]`; only the first `valid[b]` frames of window `b`
    /// count. `out` gets one score for each pair. Throws if the shapes do not fit or a score is not finite; the
    /// contents of `out` are then undefined.
    package func score(
        texts: [Float], _ frames: [Float], valid: [Int], frames T: Int, pairs: [(text: Int, window: Int)],
        into out: inout [Float]
    ) throws(HeadError) {
        guard let score = library.pairing?.score else { throw failure("score", "it only pools windows") }
        let (B, T) = try check(frames, valid, T, in: "score")
        guard texts.count % width == 0, let Q = Int32(exactly: texts.count / width) else {
            throw failure("score", "\(texts.count) numbers are no texts of width \(width)")
        }
        pairText.removeAll(keepingCapacity: true)
        pairWindow.removeAll(keepingCapacity: true)
        for pair in pairs {
            guard 0..<Int(Q) ~= pair.text, valid.indices ~= pair.window else {
                throw failure("score", "a pair names a text or a window that is not there")
            }
            pairText.append(Int32(pair.text))
            pairWindow.append(Int32(pair.window))
        }
        out.resize(to: pairs.count)
        guard !pairs.isEmpty else { return }
        why[0] = 0
        let status = score(
            instance, texts, Q, frames, mask, B, T, pairText, pairWindow, pairs.count, &out, &why,
            Self.whySize)
        guard status == WW_OK else { throw failure("score", Self.text(why, status)) }
        for p in pairs.indices where !out[p].isFinite {
            throw failure("score", "it gave pair \(p) the score \(out[p])")
        }
    }

    /// Scores pairs of a text and a window of frames, and returns one score for each pair.
    ///
    /// `texts` is `[texts, width]`, `frames` is `[windows, T, width]`; only the first `valid[b]` frames of window `b`
    /// count.
    package func score(
        texts: [Float], _ frames: [Float], valid: [Int], frames T: Int, pairs: [(text: Int, window: Int)]
    ) throws(HeadError) -> [Float] {
        var out: [Float] = []
        try score(texts: texts, frames, valid: valid, frames: T, pairs: pairs, into: &out)
        return out
    }

    /// Checks the sizes of the windows and fills `mask`; returns the number of windows, and of frames in each.
    private func check(
        _ frames: [Float], _ valid: [Int], _ T: Int, in what: String
    ) throws(HeadError) -> (B: Int32, T: Int32) {
        guard T > 0, T <= maxFrames, let frameCount = Int32(exactly: T) else {
            throw failure(what, "windows of \(T) frames, made for 1 to \(maxFrames)")
        }
        let (window, tooWide) = T.multipliedReportingOverflow(by: width)
        let (needed, tooMany) = window.multipliedReportingOverflow(by: valid.count)
        guard !tooWide, !tooMany, let count = Int32(exactly: valid.count), frames.count >= needed else {
            throw failure(
                what, "\(frames.count) numbers are not \(valid.count) windows of \(T) frames of width \(width)")
        }
        mask.removeAll(keepingCapacity: true)
        for (b, length) in valid.enumerated() {
            guard 1...T ~= length else { throw failure(what, "window \(b) has \(length) of \(T) frames") }
            for t in 0..<T { mask.append(t < length ? 1 : 0) }
        }
        return (count, frameCount)
    }

    private func failure(_ what: String, _ why: String) -> HeadError {
        HeadError(plugin: name, reason: .call(what, why: why))
    }

    private static func text(_ why: [CChar], _ status: ww_status) -> String {
        let text = String(decoding: why.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? "status \(status.rawValue)" : text
    }

    /// Calls `body` with the weights as C tensors of the plugin contract, which are valid only during the call.
    private static func lend(
        _ weights: [String: HeadWeights], _ body: (UnsafeBufferPointer<ww_tensor>) -> ww_status
    ) -> ww_status {
        let sorted = weights.sorted { $0.key < $1.key }
        func next(_ index: Int, _ tensors: [ww_tensor]) -> ww_status {
            guard index < sorted.count else { return tensors.withUnsafeBufferPointer(body) }
            let (name, weight) = sorted[index]
            return name.withCString { name in
                weight.shape.map(Int64.init).withUnsafeBufferPointer { shape in
                    weight.values.withUnsafeBufferPointer { values in
                        next(
                            index + 1,
                            tensors + [
                                ww_tensor(
                                    name: name, shape: shape.baseAddress, data: values.baseAddress,
                                    rank: UInt32(shape.count), reserved: 0)
                            ])
                    }
                }
            }
        }
        return next(0, [])
    }
}

extension [Float] {
    /// Changes the array's length; allocates only if the array was never that long before.
    fileprivate mutating func resize(to count: Int) {
        if self.count > count { removeLast(self.count - count) }
        if self.count < count { append(contentsOf: repeatElement(0, count: count - self.count)) }
    }

    /// Returns the sum of squares of the `count` elements from index `start` on.
    ///
    /// It uses SIMD, since this check of a result takes about as long as computing the result of the simplest head.
    fileprivate func squares(_ start: Int, _ count: Int) -> Float {
        withUnsafeBytes { bytes in
            var (sums, at) = (SIMD16<Float>(), start)
            while at + 16 <= start + count {
                let values = bytes.loadUnaligned(fromByteOffset: at * 4, as: SIMD16<Float>.self)
                sums += values * values
                at += 16
            }
            return self[at..<start + count].reduce(sums.sum()) { $0 + $1 * $1 }
        }
    }
}
