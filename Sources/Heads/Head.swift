package import Checkpoints
import WatchwordHeadABI

/// A head with its weights, ready to pool or to pair.
///
/// Belongs to the compute executor; not Sendable on purpose.
package final class Head {
    package let library: HeadLibrary
    package let width: Int
    package let maxFrames: Int
    package var name: String { library.name }
    private let instance: UnsafeMutableRawPointer

    private static let whySize = 512

    /// Makes an instance; the weights are lent to the plugin for the call.
    package init(
        _ library: HeadLibrary, width: Int, maxFrames: Int, weights: [String: HeadWeights], config: String = "{}"
    ) throws(HeadError) {
        self.library = library
        self.width = width
        self.maxFrames = maxFrames
        var made: UnsafeMutableRawPointer?
        var why = [CChar](repeating: 0, count: Self.whySize)
        let status = Self.lend(weights) { tensors in
            library.descriptor.create(
                Int32(width), Int32(maxFrames), tensors.baseAddress, tensors.count, config, &made, &why, why.count)
        }
        guard status == WW_OK, let made else {
            throw HeadError(path: library.name, reason: .call("create", why: Self.text(why, status)))
        }
        instance = made
    }

    deinit { library.descriptor.destroy(instance) }

    /// Pools windows `[count, frames, width]`, the first `valid[b]` frames of each, to clip embeddings `[count, width]`.
    package func pool(_ frames: [Float], valid: [Int], frames T: Int) throws(HeadError) -> [Float] {
        precondition(frames.count == valid.count * T * width)
        guard let pool = library.descriptor.pool else {
            throw HeadError(path: name, reason: .call("pool", why: "it scores texts and windows together only"))
        }
        guard T <= maxFrames else {
            throw HeadError(path: name, reason: .call("pool", why: "windows of \(T) frames, made for \(maxFrames)"))
        }
        guard !valid.isEmpty else { return [] }
        let mask = Self.mask(valid, T)
        var out = [Float](repeating: 0, count: valid.count * width)
        var why = [CChar](repeating: 0, count: Self.whySize)
        let status = pool(instance, frames, mask, Int32(valid.count), Int32(T), &out, &why, why.count)
        guard status == WW_OK else { throw HeadError(path: name, reason: .call("pool", why: Self.text(why, status))) }
        return out
    }

    /// Scores pairs of texts `[texts, width]` and windows; only for heads that pair.
    ///
    /// One logit a pair.
    package func score(
        texts: [Float], _ frames: [Float], valid: [Int], frames T: Int, pairs: [(text: Int, window: Int)]
    ) throws(HeadError) -> [Float] {
        precondition(frames.count == valid.count * T * width && texts.count % width == 0)
        guard let pairing = library.pairing else {
            throw HeadError(path: name, reason: .call("score", why: "it only pools windows"))
        }
        guard !pairs.isEmpty else { return [] }
        let mask = Self.mask(valid, T)
        var out = [Float](repeating: 0, count: pairs.count)
        var why = [CChar](repeating: 0, count: Self.whySize)
        let status = pairing.score(
            instance, texts, Int32(texts.count / width), frames, mask, Int32(valid.count), Int32(T),
            pairs.map { Int32($0.text) }, pairs.map { Int32($0.window) }, pairs.count, &out, &why, why.count)
        guard status == WW_OK else { throw HeadError(path: name, reason: .call("score", why: Self.text(why, status))) }
        return out
    }

    private static func mask(_ valid: [Int], _ T: Int) -> [UInt8] {
        valid.flatMap { length in (0..<T).map { $0 < length ? 1 : 0 } }
    }

    private static func text(_ why: [CChar], _ status: ww_status) -> String {
        let text = String(decoding: why.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? "status \(status.rawValue)" : text
    }

    /// Lays the weights out as the contract's tensors for the length of the call.
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
