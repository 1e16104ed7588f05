package import Checkpoints
import Foundation
import WatchwordHeadABI

/// The host's `config_json`; unknown keys are ignored.
package struct HeadConfig: Sendable {
    /// The number of attention heads of a transformer head; nil means `width / 64`.
    package let attentionHeads: Int?
    private let json: String

    private struct Keys: Decodable {
        let attention_heads: Int?
    }

    package init(json: String) throws {
        self.json = json
        do {
            attentionHeads = try JSONDecoder().decode(Keys.self, from: Data(json.utf8)).attention_heads
        } catch {
            throw HeadCallError(
                WW_BAD_CONFIG, "config_json must be a JSON object, and its attention_heads, if any, a whole number")
        }
    }

    /// Decodes a head's own keys.
    package func decode<Keys: Decodable>(_ type: Keys.Type) throws -> Keys {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    /// The number of attention heads for `width`: as configured, else `standard`, else width / 64, at least one.
    package func attentionHeads(width: Int, default standard: Int? = nil) throws -> Int {
        let heads = attentionHeads ?? standard ?? max(1, width / 64)
        guard heads > 0, width % heads == 0 else {
            throw HeadCallError(WW_BAD_CONFIG, "\(heads) attention heads cannot share a width of \(width)")
        }
        return heads
    }
}

/// Sizes of a head, derived from the names and shapes of its weights.
package enum HeadWeightSizes {
    /// The number of blocks below `prefix` ("transformerClip.resblocks"), at least 1; checks their inner widths.
    package static func layers(_ weights: any TensorSource, prefix: String) throws -> Int {
        let indices = weights.tensors.keys.filter { $0.hasPrefix("\(prefix).") }
            .compactMap { Int($0.dropFirst(prefix.count + 1).prefix { $0 != "." }) }
        let layers = max(1, Set(indices).count)
        var inner: Int?
        for layer in 0..<layers {
            let name = "\(prefix).\(layer).mlp.c_fc.weight"
            guard let shape = weights.tensors[name]?.shape else {
                throw CheckpointError(weights.origin, .missingTensor(name))
            }
            guard shape.count == 2, shape[0] > 0, shape[0] == inner ?? shape[0] else {
                throw HeadCallError(WW_BAD_WEIGHTS, "tensor \"\(name)\" has the impossible shape \(shape)")
            }
            inner = shape[0]
        }
        return layers
    }

    /// Returns a table of positions `[positions, width]`; throws if it has fewer than `needed` rows.
    package static func positions(
        _ weights: any TensorSource, _ name: String, width: Int, needed: Int
    ) throws -> [Float] {
        guard let shape = weights.tensors[name]?.shape else {
            throw CheckpointError(weights.origin, .missingTensor(name))
        }
        let table = try weights.floats(name, shape: [shape.first ?? 0, width])
        guard needed * width <= table.count else {
            throw HeadCallError(
                WW_BAD_SHAPE, "\(needed) positions are needed, tensor \"\(name)\" has \(table.count / width)")
        }
        return table
    }
}
