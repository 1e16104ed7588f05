import Checkpoints
import Foundation
import Heads
import TestSupport
import Testing
import WatchwordHeadABI

/// Whether an error's text contains all parts.
private func says(_ error: any Error, _ parts: String...) -> Bool {
    parts.allSatisfy { "\(error)".contains($0) }
}

@Suite("Heads keep the contract")
struct ContractTests {
    private static let trained = Plugins.all.filter { $0 != "mean" }

    @Test("every tensor but those it does not use is needed, by name", arguments: trained)
    func missingTensors(_ plugin: String) throws {
        let library = try Plugins.finder.load(plugin)
        let weights = try Plugins.bundledWeights(plugin)
        for name in weights.keys {
            #expect("without \(name)") {
                try Head(
                    library, width: Plugins.width(plugin), maxFrames: Plugins.frames(plugin),
                    weights: weights.filter { $0.key != name })
            } throws: {
                says($0, "create failed", "\"\(name)\" is missing")
            }
        }
    }

    @Test("a tensor of a wrong shape is named", arguments: trained)
    func wrongShapes(_ plugin: String) throws {
        let library = try Plugins.finder.load(plugin)
        let weights = try Plugins.bundledWeights(plugin)
        for (name, weight) in weights {
            for shape in [[weight.values.count, 1, 1], [0]] {
                var bent = weights
                bent[name] = HeadWeights(shape: shape, values: shape == [0] ? [] : weight.values)
                #expect("\(name) \(shape)") {
                    try Head(
                        library, width: Plugins.width(plugin), maxFrames: Plugins.frames(plugin), weights: bent)
                } throws: {
                    says($0, "create failed", name, "shape")
                }
            }
        }
    }

    @Test("windows longer than the position table are refused")
    func positionTables() throws {
        // 32 positions; the text takes one of the tight head's.
        _ = try Plugins.bundled("transformer", maxFrames: 32)
        _ = try Plugins.bundled("tight", maxFrames: 31)
        for (plugin, frames) in [("transformer", 33), ("tight", 32)] {
            #expect { try Plugins.bundled(plugin, maxFrames: frames) } throws: { says($0, "33 positions", "has 32") }
        }
    }

    @Test("attention heads come from the configuration, which must make sense", arguments: ["transformer", "tight"])
    func configuration(_ plugin: String) throws {
        let library = try Plugins.finder.load(plugin)
        let weights = try Plugins.bundledWeights(plugin)
        for config in ["{}", "{\"attention_heads\": 2}", "{\"attention_heads\": 4, \"unknown\": [1]}"] {
            _ = try Head(library, width: 128, maxFrames: 8, weights: weights, config: config)
        }
        for config in ["", "[]"] + ["\"two\"", "0", "-2", "3", "2.5"].map({ "{\"attention_heads\": \($0)}" }) {
            #expect("\(config)") {
                try Head(library, width: 128, maxFrames: 8, weights: weights, config: config)
            } throws: {
                says($0, "attention")
            }
        }
    }

    @Test("padding changes nothing, whatever it holds, and neither does the batch", arguments: Plugins.all)
    func padding(_ plugin: String) throws {
        let head = try Plugins.bundled(plugin)
        let (d, length) = (head.width, Plugins.frames(plugin))
        let golden = try Fixtures.safetensors(Fixtures.videos.appending(path: "dock.golden.safetensors"))
        let frames = try golden.floats("frame_embeddings")
        let texts = Array(try golden.floats("text_embeddings").prefix(3 * d))
        // 70 windows: more than a head takes at once.
        let valid = (0..<70).map { $0 % length + 1 }
        let windows = valid.indices.flatMap { b in
            frames[b * d..<(b + valid[b]) * d] + [Float](repeating: .nan, count: (length - valid[b]) * d)
        }
        let together = try head.similarity(texts: texts, windows, valid: valid, frames: length, scale: 1)
        for b in [0, 3, 6, 64, 69] {
            let alone = try head.similarity(
                texts: texts, Array(frames[b * d..<(b + valid[b]) * d]), valid: [valid[b]], frames: valid[b],
                scale: 1)
            #expect(worstExcess(alone, (0..<3).map { together[$0 * 70 + b] }) <= 1e-4)
        }
    }

    @Test("a failed call leaves the result as it was", arguments: Plugins.all)
    func failedCalls(_ plugin: String) throws {
        let descriptor = try Contract(plugin).descriptor
        var instance: UnsafeMutableRawPointer?
        var why = [CChar](repeating: 0, count: 256)
        let status = Contract.lend(try Plugins.bundledWeights(plugin)) {
            descriptor.create(
                Int32(Plugins.width(plugin)), Int32(Plugins.frames(plugin)), $0, $0.count, "{}", &instance, &why,
                why.count)
        }
        #expect(status == WW_OK)
        defer { descriptor.destroy(instance) }
        var out = [Float](repeating: 7, count: 256)
        let frames = [Float](repeating: 1, count: 18 * 128)
        // An empty window, a hole, too many frames.
        let calls: [(T: Int32, mask: [UInt8])] = [
            (2, [1, 1, 0, 0]), (3, [1, 1, 1, 1, 0, 1]), (9, [UInt8](repeating: 1, count: 18)),
        ]
        for call in calls {
            why[0] = 0
            if let pool = descriptor.pool {
                #expect(pool(instance, frames, call.mask, 2, call.T, &out, &why, why.count) == WW_BAD_SHAPE)
            } else {
                let extra = try #require(descriptor.get_extension?(WW_EXT_PAIRING))
                let score = try #require(extra.assumingMemoryBound(to: ww_pairing.self).pointee.score)
                let status = score(
                    instance, frames, 1, frames, call.mask, 2, call.T, [0, 0], [0, 1], 2, &out, &why, why.count)
                #expect(status == WW_BAD_SHAPE)
            }
            #expect(out.allSatisfy { $0 == 7 } && why[0] != 0)
        }
    }

    @Test("statuses tell bad weights, bad configuration and bad shapes apart; a failed create makes nothing")
    func statuses() throws {
        let descriptor = try Contract("transformer").descriptor
        let weights = try Plugins.bundledWeights("transformer")
        let calls: [(Int32, [String: HeadWeights], String, ww_status)] = [
            (8, [:], "{}", WW_BAD_WEIGHTS), (8, weights, "{", WW_BAD_CONFIG), (33, weights, "{}", WW_BAD_SHAPE),
            (0, weights, "{}", WW_BAD_SHAPE),
        ]
        for (frames, weights, config, wanted) in calls {
            var instance: UnsafeMutableRawPointer?
            var why = [CChar](repeating: 0, count: 256)
            let status = Contract.lend(weights) {
                descriptor.create(128, frames, $0, $0.count, config, &instance, &why, why.count)
            }
            #expect(status == wanted && instance == nil && why[0] != 0)
        }
        #expect(try Contract("tight").descriptor.get_extension?("watchword.unknown/1") == nil)
    }

    @Test("a head that pools does not pair, and the other way round")
    func roles() throws {
        for name in Plugins.all {
            let (library, pairs) = (try Plugins.finder.load(name), Plugins.pairing.contains(name))
            #expect(library.pairs == pairs && library.pools == !pairs)
        }
        let frames = [Float](repeating: 1, count: 128)
        #expect { try Plugins.bundled("tight").pool(frames, valid: [1], frames: 1) } throws: {
            says($0, "together only")
        }
        #expect {
            try Plugins.bundled("lstm").score(texts: frames, frames, valid: [1], frames: 1, pairs: [(0, 0)])
        } throws: {
            says($0, "only pools")
        }
        for pair in [(1, 0), (0, 1), (-1, 0)] {
            #expect {
                try Plugins.bundled("tight").score(texts: frames, frames, valid: [1], frames: 1, pairs: [pair])
            } throws: {
                says($0, "not there")
            }
        }
    }
}
