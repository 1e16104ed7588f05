import Foundation
import Pixels
import Tensors

/// Writes the JSON files of a Hugging Face model directory for a model that lacks them.
enum ModelFilesWriter {
    /// Returns the content of `config.json` for a `CLIPModel` with these sizes.
    ///
    /// Keys that only training needs are left out: Foundation writes 1.0 as 1, which Hugging Face's readers do not
    /// accept as a float.
    static func config(_ architecture: Architecture) throws -> [UInt8] {
        let (vision, text, d) = (architecture.vision, architecture.text, architecture.embedding)
        // Without an end token, the text is pooled at its largest token id, as in CLIP4Clip. Hugging Face does the same
        // if `eos_token_id` is 2, as in OpenAI's own uploads.
        let end = text.endToken ?? 2
        return try json([
            "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": d, "logit_scale_init_value": 2.6592,
            "vision_config": [
                "model_type": "clip_vision_model", "hidden_size": vision.width, "intermediate_size": vision.inner,
                "num_hidden_layers": vision.layers, "num_attention_heads": vision.heads, "num_channels": 3,
                "patch_size": vision.patch, "image_size": vision.side, "projection_dim": d,
                "hidden_act": vision.activation.name, "layer_norm_eps": Double("\(vision.epsilon)") ?? 1e-5,
            ] as [String: Any],
            "text_config": [
                "model_type": "clip_text_model", "hidden_size": text.width, "intermediate_size": text.inner,
                "num_hidden_layers": text.layers, "num_attention_heads": text.heads,
                "max_position_embeddings": text.context, "vocab_size": text.vocabulary, "projection_dim": d,
                "hidden_act": text.activation.name, "layer_norm_eps": Double("\(text.epsilon)") ?? 1e-5,
                "bos_token_id": 0, "eos_token_id": end, "pad_token_id": 1,
            ] as [String: Any],
        ])
    }

    /// Returns the content of `preprocessor_config.json` for this preprocessing.
    ///
    /// A padded resize (`.longest`) cannot be expressed.
    static func preprocessor(_ preprocessing: Preprocessing) throws -> [UInt8] {
        let (framing, normalisation) = (preprocessing.framing, preprocessing.normalisation)
        let side = framing.side
        let numbers: [Framing.Filter: Int] = [.lanczos: 1, .bilinear: 2, .bicubic: 3, .box: 4, .hamming: 5]
        let size: [String: Int] =
            switch framing.fit {
            case .shortest(let length): ["shortest_edge": length]
            case .squash(let length): ["height": length, "width": length]
            case .longest: [:]
            }
        return try json([
            "image_processor_type": "CLIPImageProcessor", "feature_extractor_type": "CLIPFeatureExtractor",
            "do_resize": true, "size": size, "resample": numbers[framing.filter] ?? 3, "do_center_crop": true,
            "crop_size": ["height": side, "width": side], "do_convert_rgb": true, "do_rescale": true,
            "rescale_factor": 1.0 / 255, "do_normalize": true,
            "image_mean": normalisation.mean.map { Double("\($0)") ?? Double($0) },
            "image_std": normalisation.deviation.map { Double("\($0)") ?? Double($0) },
        ])
    }

    static let specialTokens = [
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    ]

    static func tokenizerConfig(context: Int) throws -> [UInt8] {
        var config: [String: Any] = specialTokens
        config["tokenizer_class"] = "CLIPTokenizer"
        config["model_max_length"] = context
        config["do_lower_case"] = true
        config["add_prefix_space"] = false
        config["errors"] = "replace"
        return try json(config)
    }

    /// Returns the content of `watchword.json`: sampling rate, window length and default head, without thresholds.
    ///
    /// `rounding` is how half pixels are rounded in the centre crop; nil leaves the key out.
    static func watchword(fps: Double, frames: Int, head: String, rounding: String?) throws -> [UInt8] {
        let sampling: [String: Any] = ["fps": fps, "frames": frames]
        var said: [String: Any] = ["format": ModelDefaults.currentFormat, "sampling": sampling, "default_head": head]
        if let rounding { said["crop_rounding"] = rounding }
        return try json(said)
    }

    static func json(_ object: [String: Any]) throws -> [UInt8] {
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return [UInt8](data) + [UInt8(ascii: "\n")]
    }
}
