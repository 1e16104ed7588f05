import Checkpoints
import WatchwordHeadABI

/// A head, and memory that its calls reuse; the `instance` pointer of the plugin contract refers to it.
final class HeadInstance {
    let head: any TemporalHead
    /// The head if it turns windows into clip embeddings; nil if it scores pairs of text and window (`pairing`).
    let pooling: (any PoolingHead)?
    let pairing: (any PairingHead)?
    private let batch: Int
    private var valid: [Int32] = []
    private var staged: [Float] = []

    init(_ head: some TemporalHead) {
        self.head = head
        pooling = head as? any PoolingHead
        pairing = head as? any PairingHead
        batch = type(of: head).batch
    }

    /// Returns the windows with the numbers `range`, without copying their frames.
    func windows(_ borrowed: BorrowedWindows, _ range: Range<Int>) -> FrameWindows {
        valid.removeAll(keepingCapacity: true)
        for b in range { valid.append(Int32(borrowed.length(b))) }
        let size = borrowed.frameCount * head.width
        return FrameWindows(
            frames: UnsafeBufferPointer(start: borrowed.frames + range.lowerBound * size, count: range.count * size),
            valid: valid, frameCount: borrowed.frameCount, width: head.width)
    }

    /// Calls `body` for `count` results in batches, each result of `columns` numbers, and writes them to `out`.
    ///
    /// With more than one batch, `out` stays unchanged if `body` throws.
    func run(
        _ count: Int, columns: Int, into out: UnsafeMutablePointer<Float>,
        _ body: (Range<Int>, UnsafeMutablePointer<Float>) throws -> Void
    ) throws {
        guard count > batch else { return try body(0..<count, out) }
        if staged.count < count * columns { staged = [Float](repeating: 0, count: count * columns) }
        try staged.withUnsafeMutableBufferPointer { staged in
            guard let base = staged.baseAddress else { return }
            for first in stride(from: 0, to: count, by: batch) {
                try body(first..<min(first + batch, count), base + first * columns)
            }
            out.update(from: base, count: count * columns)
        }
    }
}

/// The windows that the host passes to one call of a head: frame embeddings and a mask of valid frames.
///
/// `init` checks them against the head, so that later reads stay inside the host's memory.
struct BorrowedWindows {
    let frames: UnsafePointer<Float>
    private let mask: UnsafePointer<UInt8>
    let count: Int
    let frameCount: Int

    init(
        _ frames: UnsafePointer<Float>?, _ mask: UnsafePointer<UInt8>?, _ B: Int32, _ T: Int32,
        for head: any TemporalHead
    ) throws {
        guard let frames, let mask, B > 0, T > 0 else {
            throw HeadCallError(WW_BAD_SHAPE, "\(B) windows of \(T) frames")
        }
        guard Int(T) <= head.maxFrames else {
            throw HeadCallError(WW_BAD_SHAPE, "windows of \(T) frames, made for at most \(head.maxFrames)")
        }
        _ = try Self.size(Int(B) * Int(T), head.width, of: "frames")
        self.frames = frames
        self.mask = mask
        count = Int(B)
        frameCount = Int(T)
        for b in 0..<count {
            let length = length(b)
            guard length > 0 else { throw HeadCallError(WW_BAD_SHAPE, "window \(b) has no frame") }
            for t in length..<frameCount where mask[b * frameCount + t] != 0 {
                throw HeadCallError(WW_BAD_SHAPE, "the mask of window \(b) is no prefix")
            }
        }
    }

    /// Returns the number of valid frames of window `b`: its leading frames whose mask is not 0.
    func length(_ b: Int) -> Int {
        var t = 0
        while t < frameCount, mask[b * frameCount + t] != 0 { t += 1 }
        return t
    }

    /// Returns `rows` times `width`; throws if the product exceeds 2³¹ - 1, the limit of one call.
    static func size(_ rows: Int, _ width: Int, of what: String) throws -> Int {
        let (size, overflow) = rows.multipliedReportingOverflow(by: width)
        guard !overflow, size <= Int(Int32.max) else {
            throw HeadCallError(WW_BAD_SHAPE, "\(rows) \(what) of width \(width) are too many for one call")
        }
        return size
    }
}

/// Copies the weights that the host passes to a head plugin's `create`.
enum BorrowedWeights {
    /// Copies the tensors that the host passes to a head plugin, by name; throws if a shape is invalid.
    static func copy(_ tensors: UnsafePointer<ww_tensor>?, _ count: Int) throws -> [String: HeadWeights] {
        guard let tensors else { return [:] }
        var weights: [String: HeadWeights] = [:]
        for tensor in UnsafeBufferPointer(start: tensors, count: count) {
            guard let name = tensor.name.map({ String(cString: $0) }), let data = tensor.data else { continue }
            let sizes = UnsafeBufferPointer(start: tensor.shape, count: tensor.shape == nil ? 0 : Int(tensor.rank))
            let shape = sizes.map { Int($0) }
            let values = try shape.reduce(1) { count, size in
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard size >= 0, !overflow, product <= Int.max / 8, sizes.count == Int(tensor.rank) else {
                    throw HeadCallError(WW_BAD_WEIGHTS, "tensor \"\(name)\" has the impossible shape \(shape)")
                }
                return product
            }
            weights[name] = HeadWeights(
                shape: shape, values: Array(UnsafeBufferPointer(start: data, count: values)))
        }
        return weights
    }
}
