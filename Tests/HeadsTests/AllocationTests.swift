import CAllocations
import Checkpoints
import Heads
import Tensors
import TestSupport
import Testing

/// Tests how much a call allocates after the first ones, from the host's method into the plugin.
@Suite("Heads allocate nothing once warm")
struct AllocationTests {
    /// The number of allocations by this thread in `body`.
    private func allocations(_ body: () throws -> Void) rethrows -> UInt64 {
        let before = ww_allocations()
        try body()
        return ww_allocations() - before
    }

    /// The kinds of products in heads.
    private enum Product {
        case plain, accumulated, activated
        /// A product with one output.
        case single
    }

    /// The number of allocations of oneDNN itself in one call with packed weights.
    private func cost(_ product: Product, width: Int) throws -> UInt64 {
        let outputs = product == .single ? 1 : width
        let linear = try Linear(
            weight: [Float](repeating: 1, count: outputs * width), bias: nil, inputs: width,
            outputs: outputs, activation: product == .activated ? .quickGELU : .none,
            accumulate: product == .accumulated)
        let (x, out) = (Matrix(rows: 8, columns: width), Matrix(rows: 8, columns: outputs))
        try linear(x, into: out)
        return try allocations { try linear(x, into: out) }
    }

    /// The products of one batch.
    private func products(_ plugin: String) throws -> [Product] {
        let layers = Set(
            try Plugins.bundledWeights(plugin).keys.compactMap { $0.firstMatch(of: /resblocks\.(\d+)\./)?.1 })
        let blocks = layers.flatMap { _ in [Product.plain, .accumulated, .activated, .accumulated] }
        return switch plugin {
        case "mean": []
        // One for all frames, one for each step but the first.
        case "lstm": [.plain] + [Product](repeating: .accumulated, count: Plugins.frames(plugin) - 1)
        case "transformer": blocks
        default: blocks + [.activated, .single]
        }
    }

    @Test("the counter sees Swift's allocations, oneDNN's and a plugin's")
    func counts() throws {
        var kept: [[Int]] = []
        #expect(allocations { kept = (1...3).map { [Int](repeating: $0, count: 1000 * $0) } } >= 3)
        #expect(kept.count == 3)
        let weights = try Plugins.bundledWeights("lstm")
        let library = try Plugins.finder.load("lstm")
        #expect(
            try allocations {
                _ = try Head(library, width: 128, maxFrames: 8, weights: weights)
            } > 10)
    }

    // X-Pool and T-MASS are left out: warm calls of one window ask for 3 and 6 blocks.
    @Test("beyond what oneDNN asks for in each product", arguments: Plugins.names, [1, 5, 70])
    func warmCalls(_ plugin: String, _ count: Int) throws {
        let (width, frames) = (Plugins.width(plugin), Plugins.frames(plugin))
        let head = try Plugins.bundled(plugin)
        let windows = (0..<count * frames * width).map { Float($0 % 97) - 40 }
        let valid = (0..<count).map { $0 == 0 ? frames : $0 % frames + 1 }
        let texts = [Float](windows.prefix(2 * width))
        let pairs = (0..<count).map { (text: $0 % 2, window: $0) }
        var out: [Float] = []
        func call() throws {
            if head.library.pairs {
                try head.score(texts: texts, windows, valid: valid, frames: frames, pairs: pairs, into: &out)
            } else {
                try head.pool(windows, valid: valid, frames: frames, into: &out)
            }
        }
        try call()
        let first = out.map { $0 }
        let batches = UInt64((count + 31) / 32)
        // Many rows are several calls, two for each core.
        let calls = UInt64(count > 5 ? 2 * Workers.count : 1)
        let allowed = batches * calls * (try products(plugin).reduce(0) { try $0 + cost($1, width: width) })
        let made = try allocations { try call() }
        #expect(made <= allowed, "\(made) allocations, \(allowed) of them oneDNN's")
        #expect(out == first)
    }
}
