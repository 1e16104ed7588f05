package import Checkpoints
import Foundation
import WatchwordHeadABI

/// The configuration that the host passes to a head plugin's `create` as JSON; unknown keys are ignored.
package struct HeadConfig: Sendable {
    /// The number of attention heads in each transformer block; nil if the configuration does not state it.
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

    /// Decodes a head's additional configuration keys into `type`; throws if they do not fit.
    package func decode<Keys: Decodable>(_ type: Keys.Type) throws -> Keys {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    /// Returns the number of attention heads: the configured number, else `standard`, else `width` / 64 but at least 1.
    ///
    /// Throws if the number does not divide `width`.
    package func attentionHeads(width: Int, default standard: Int? = nil) throws -> Int {
        let heads = attentionHeads ?? standard ?? max(1, width / 64)
        guard heads > 0, width % heads == 0 else {
            throw HeadCallError(WW_BAD_CONFIG, "\(heads) attention heads cannot share a width of \(width)")
        }
        return heads
    }
}

/// Determines sizes of a head from the names and shapes of its weights.
package enum HeadWeightSizes {
    /// Returns the number of transformer blocks whose names begin with `prefix`, such as "transformerClip.resblocks".
    ///
    /// Throws if there is no block, or if the blocks' MLPs differ in their inner width.
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

    /// Returns the table of position embeddings `[positions, width]` that the tensor `name` holds.
    ///
    /// Throws if the table has fewer than `needed` rows or another width.
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
