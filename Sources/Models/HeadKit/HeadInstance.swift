import Checkpoints
import WatchwordHeadABI

/// The object behind the contract's `instance`: a head, and memory that its calls reuse.
final class HeadInstance {
    let head: any TemporalHead
    /// The head by its kind: exactly one of the two is not nil.
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

    /// A range of a call's windows, in the form that a head takes.
    func windows(_ borrowed: BorrowedWindows, _ range: Range<Int>) -> FrameWindows {
        valid.removeAll(keepingCapacity: true)
        for b in range { valid.append(Int32(borrowed.length(b))) }
        let size = borrowed.frameCount * head.width
        return FrameWindows(
            frames: UnsafeBufferPointer(start: borrowed.frames + range.lowerBound * size, count: range.count * size),
            valid: valid, frameCount: borrowed.frameCount, width: head.width)
    }

    /// Lets `body` compute `count` results of `columns` numbers in batches; writes all to `out`, or none if it throws.
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

/// The windows of a call, checked against the instance, so that later reads stay inside the host's memory.
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

    /// The number of valid frames of window `b`.
    func length(_ b: Int) -> Int {
        var t = 0
        while t < frameCount, mask[b * frameCount + t] != 0 { t += 1 }
        return t
    }

    /// Returns `rows · width`; throws if it exceeds 2³¹ - 1, the limit of a call.
    static func size(_ rows: Int, _ width: Int, of what: String) throws -> Int {
        let (size, overflow) = rows.multipliedReportingOverflow(by: width)
        guard !overflow, size <= Int(Int32.max) else {
            throw HeadCallError(WW_BAD_SHAPE, "\(rows) \(what) of width \(width) are too many for one call")
        }
        return size
    }
}

/// Reads the weights that the host lends to `create`.
enum BorrowedWeights {
    /// Copies the tensors; throws if a shape is invalid.
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
