import Checkpoints
import Heads
import TestSupport
import Testing
import WatchwordHeadABI

@Suite("Shapes that do not fit")
struct ShapeTests {
    @Test("the host refuses them before the plugin sees them", arguments: Plugins.names)
    func host(_ plugin: String) throws {
        let head = try Plugins.bundled(plugin)
        let frames = [Float](repeating: 1, count: 2 * 8 * 128)
        let calls: [(frames: [Float], valid: [Int], T: Int, sentence: String)] = [
            (frames, [8, 8, 8], 8, "2048 numbers are not 3 windows of 8 frames of width 128"),
            (frames.dropLast(), [8, 8], 8, "2047 numbers are not 2 windows of 8 frames of width 128"),
            ([], [1], 1, "0 numbers are not 1 windows"), (frames, [9], 9, "windows of 9 frames, made for 1 to 8"),
            (frames, [1], 0, "windows of 0 frames"), (frames, [1], -1, "windows of -1 frames"),
            (frames, [1], .max, "windows of 9223372036854775807 frames"),
            (frames, [0], 8, "window 0 has 0 of 8 frames"),
            (frames, [8, -1], 8, "window 1 has -1 of 8 frames"), (frames, [3], 2, "window 0 has 3 of 2 frames"),
        ].map { (Array($0.0), $0.1, $0.2, $0.3) }
        for call in calls {
            #expect("\(call.sentence)") {
                if head.library.pairs {
                    try head.score(
                        texts: [Float](frames.prefix(128)), call.frames, valid: call.valid, frames: call.T,
                        pairs: [(text: 0, window: 0)])
                } else {
                    try head.pool(call.frames, valid: call.valid, frames: call.T)
                }
            } throws: {
                "\($0)".contains(call.sentence)
            }
        }
        if head.library.pairs {
            #expect {
                try head.score(
                    texts: [Float](frames.prefix(100)), frames, valid: [8], frames: 8, pairs: [(text: 0, window: 0)])
            } throws: {
                "\($0)".contains("100 numbers are no texts of width 128")
            }
        }
        // No window is no mistake.
        if !head.library.pairs { #expect(try head.pool([], valid: [], frames: 8) == []) }
    }

    @Test("an instance of an impossible size is refused", arguments: Plugins.names)
    func instances(_ plugin: String) throws {
        let library = try Plugins.finder.load(plugin)
        for (width, frames) in [(0, 8), (-1, 8), (128, 0), (128, -8), (1 << 40, 8), (128, 1 << 40)] {
            #expect("\(width) \(frames)") {
                try Head(library, width: width, maxFrames: frames, weights: [:])
            } throws: {
                "\($0)".contains("no head has width \(width) and windows of \(frames) frames")
            }
        }
    }

    @Test("a plugin refuses what no host should ask, and reads nothing it was not lent", arguments: Plugins.names)
    func plugins(_ plugin: String) throws {
        let contract = try Contract(plugin)
        let instance = try contract.instance(width: 128, maxFrames: 8, weights: Plugins.bundledWeights(plugin))
        defer { contract.descriptor.destroy(instance) }
        let frames = [Float](repeating: 1, count: 2 * 8 * 128)
        let mask = [UInt8](repeating: 1, count: 16)
        for (B, T) in [(0, 8), (-1, 8), (1, 0), (1, -8), (1, 9), (Int32.max, 8), (Int32.max, Int32.max), (.min, .min)]
            as [(Int32, Int32)]
        {
            let answer = contract.call(instance, frames, mask, B, T)
            #expect(answer.status == WW_BAD_SHAPE && !answer.why.isEmpty && answer.out == 7, "\(B) \(T)")
        }
        for (frames, mask) in [(nil, mask), (frames, nil), (nil, nil)] as [([Float]?, [UInt8]?)] {
            #expect(contract.call(instance, frames, mask, 1, 8).status == WW_BAD_SHAPE)
        }
        #expect(contract.call(nil, frames, mask, 1, 8).status == WW_FAILED)
        // It still works.
        #expect(contract.call(instance, frames, mask, 2, 8).status == WW_OK)
    }

    @Test(
        "a weight of an impossible shape is refused by name", arguments: [[-1, 2], [Int.max, 4], [1 << 32, 1 << 32]])
    func weights(_ shape: [Int]) throws {
        let contract = try Contract("mean")
        #expect {
            try contract.instance(
                width: 4, maxFrames: 2, weights: ["odd": HeadWeights(shape: shape, values: [1, 2, 3, 4])])
        } throws: {
            "\($0)".contains("tensor \"odd\" has the impossible shape \(shape)")
        }
    }

    @Test("a plugin exports its entry function, and none of the code it shares with others", arguments: Plugins.names)
    func exports(_ plugin: String) throws {
        let contract = try Contract(plugin)
        #expect(contract.exports(WW_HEAD_ENTRY))
        for symbol in ["ww_masked_mean", "ww_lstm_step", "ww_layer_norm", "ww_linear_run"] {
            #expect(!contract.exports(symbol), "\(symbol)")
        }
    }
}
