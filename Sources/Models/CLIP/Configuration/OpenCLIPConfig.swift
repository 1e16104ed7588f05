package import Checkpoints
import Foundation
import Pixels
import Tensors
import Tokenizers

/// The content of `open_clip_config.json`: a model's sizes, preprocessing and tokenizer.
package struct OpenCLIPModel {
    package let architecture: Architecture
    package let preprocessing: Preprocessing
    package let tokenization: Tokenization
}

/// Reads `open_clip_config.json`: the sizes under `model_cfg`, the preprocessing under `preprocess_cfg`.
///
/// Every key may change what the model computes, so an unknown key throws. Source: OpenCLIP `model.py`
/// (`CLIPVisionCfg`, `CLIPTextCfg`), `factory.py`, `transform.py` (`PreprocessCfg`).
package enum OpenCLIPConfig {
    /// Reads the configuration file; throws on a key or value that is not supported.
    ///
    /// The sizes of timm's image towers come from `tensors` (in OpenAI's names), because the file does not state them.
    package static func parse(_ file: ModelFile, tensors: any TensorSource) throws -> OpenCLIPModel {
        let root = try ModelJSON(file)
        guard let model = try root.object("model_cfg") else { throw ModelError(file.path, "\"model_cfg\" is missing") }
        guard let vision = try model.object("vision_cfg"), let text = try model.object("text_cfg") else {
            throw ModelError(file.path, "\"model_cfg\" must have vision_cfg and text_cfg")
        }
        try refuse(
            model, known: ["embed_dim", "quick_gelu", "vision_cfg", "text_cfg", "custom_text", "init_logit_scale"],
            harmless: [
                "output_dict": [true, false], "nonscalar_logit_scale": [true, false], "init_logit_bias": nil,
                "multimodal_cfg": [],
            ])
        let activation: Activation = try model.optional("quick_gelu", as: Bool.self) ?? false ? .quickGELU : .gelu
        var (family, tower) = (Family.clip, Architecture.Vision(width: 1, layers: 1, heads: 1, patch: 1, side: 1))
        if vision.object["timm_model_name"] == nil || vision.object["timm_model_name"] is NSNull {
            tower = try imageTower(vision, activation)
        } else {
            (family, tower) = try TimmTower.parse(vision, tensors: tensors)
        }
        let architecture = Architecture(
            vision: tower, text: try textTower(text, activation), embedding: try model.size("embed_dim", default: 0),
            family: family, isSigmoid: tensors.has("logit_bias"))
        try architecture.check(file.path, patch: "patch_size", side: "image_size", heads: "heads")
        let preprocessing = try preprocessing(
            try root.object("preprocess_cfg") ?? ModelJSON([:], path: file.path), side: architecture.vision.side)
        return OpenCLIPModel(
            architecture: architecture, preprocessing: preprocessing, tokenization: try tokenization(text))
    }

    private static func imageTower(_ vision: ModelJSON, _ activation: Activation) throws -> Architecture.Vision {
        if vision.object["layers"] is [Any] {
            throw vision.refusal("layers", "expected a number of layers: a ResNet's image tower is not read")
        }
        try refuse(
            vision,
            known: [
                "image_size", "layers", "width", "head_width", "mlp_ratio", "patch_size", "norm_kwargs", "act_kwargs",
            ],
            harmless: [
                "patch_dropout": nil, "output_tokens": [false], "attentional_pool": [false], "no_ln_pre": [false],
                "pos_embed_type": ["learnable"], "final_ln_after_pool": [false], "pool_type": ["tok"],
                "attn_pooler_queries": nil, "attn_pooler_heads": nil,
                "timm_model_pretrained": [false], "timm_pool": ["avg"], "timm_proj": ["linear"],
                "timm_proj_bias": [false], "timm_drop": nil, "timm_drop_path": nil, "qk_norm": [false],
                "scale_attn": [false], "scale_attn_inner": [false], "scale_heads": [false], "scale_fc": [false],
                "input_patchnorm": [false], "global_average_pool": [false], "ls_init_value": [], "block_type": [],
            ])
        let width = try vision.size("width", default: 768)
        let headWidth = try vision.size("head_width", default: 64)
        guard width % headWidth == 0 else { throw vision.refusal("head_width", "expected a divisor of width \(width)") }
        return .init(
            width: width, layers: try vision.size("layers", default: 12), heads: width / headWidth,
            patch: try vision.size("patch_size", default: 16), side: try vision.size("image_size", default: 224),
            inner: try inner(vision, width), epsilon: try epsilon(vision),
            activation: try self.activation(vision, activation))
    }

    private static func textTower(_ text: ModelJSON, _ activation: Activation) throws -> Architecture.Text {
        let pooling = try text.optional("pool_type", as: String.self) ?? "argmax"
        guard ["argmax", "eos", "last"].contains(pooling) else {
            throw text.refusal("pool_type", "expected argmax, eos or last")
        }
        let poolsLast = pooling == "last"
        try refuse(
            text,
            known: [
                "context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "norm_kwargs", "pool_type",
                "act_kwargs", "proj_bias", "proj_type", "hf_tokenizer_name", "tokenizer_kwargs",
            ],
            harmless: [
                "embed_cls": [false], "pad_id": poolsLast ? nil : [0], "eos_id": nil,
                // Without a mask, padding changes the result: only towers that pool the last position are supported so.
                "no_causal_mask": [poolsLast], "output_tokens": [false],
                "final_ln_after_pool": [false], "qk_norm": [false],
                "scale_attn": [false], "scale_attn_inner": [false], "scale_heads": [false], "scale_fc": [false],
                "hf_model_pretrained": [true, false], "hf_proj_type": nil, "hf_pooler_type": nil, "hf_model_name": [],
                "ls_init_value": [], "block_type": [],
            ])
        let isCausal = try !(text.optional("no_causal_mask", as: Bool.self) ?? false)
        guard isCausal != poolsLast else {
            throw text.refusal("pool_type", "expected argmax or eos, since the text tower has a causal mask")
        }
        try text.expect("proj_type", "linear", "none")
        let hasProjection = text.object["proj_type"] as? String != "none"
        let hasBias = try text.optional("proj_bias", as: Bool.self) ?? false
        let width = try text.size("width", default: 512)
        return .init(
            width: width, layers: try text.size("layers", default: 12), heads: try text.size("heads", default: 8),
            context: try text.size("context_length", default: 77),
            vocabulary: try text.size("vocab_size", default: 49408), inner: try inner(text, width),
            epsilon: try epsilon(text), activation: try self.activation(text, activation),
            endToken: pooling == "eos" ? try text.optional("eos_id", as: Int.self) ?? 2 : nil,
            form: TextForm(
                isCausal: isCausal, poolsLast: poolsLast, hasProjection: hasProjection,
                hasProjectionBias: hasProjection && hasBias))
    }

    /// Returns the tokenizer that the text tower needs: files if the configuration names one, else CLIP's built-in one.
    private static func tokenization(_ text: ModelJSON) throws -> Tokenization {
        guard let kwargs = try text.object("tokenizer_kwargs") else {
            return Tokenization(
                needsFiles: text.object["hf_tokenizer_name"] is String, cleaning: .whitespace,
                isCLIP: !(text.object["hf_tokenizer_name"] is String))
        }
        try refuse(kwargs, known: ["clean"], harmless: [:])
        guard try text.optional("hf_tokenizer_name", as: String.self) != nil else {
            guard kwargs.object.isEmpty else {
                throw text.refusal("tokenizer_kwargs", "expected none without hf_tokenizer_name")
            }
            return .clip
        }
        let name = try kwargs.optional("clean", as: String.self) ?? "whitespace"
        guard let rule = TextCleaning.Rule(rawValue: name), rule != .family else {
            throw kwargs.refusal("clean", "expected whitespace, lower or canonicalize")
        }
        return Tokenization(needsFiles: true, cleaning: rule, isCLIP: false)
    }

    /// Returns the tower's activation: tanh GELU if `act_kwargs` requests it, else `activation`.
    private static func activation(_ json: ModelJSON, _ activation: Activation) throws -> Activation {
        guard let kwargs = try json.object("act_kwargs"), !kwargs.object.isEmpty else { return activation }
        try kwargs.expect("approximate", "tanh", "none")
        guard kwargs.unknown(["approximate"]).isEmpty, activation == .gelu else {
            throw json.refusal("act_kwargs", "expected only approximate, and no quick_gelu")
        }
        return kwargs.object["approximate"] as? String == "tanh" ? .tanhGELU : .gelu
    }

    /// Returns the width of the MLP's hidden layer, `int(width * mlp_ratio)`.
    private static func inner(_ json: ModelJSON, _ width: Int) throws -> Int {
        let ratio = try json.optional("mlp_ratio", as: Double.self) ?? 4
        guard ratio.isFinite, ratio * Double(width) >= 1, ratio <= 1000 else {
            throw json.refusal("mlp_ratio", "expected at most 1000, and a width of at least 1 by it")
        }
        return Int(Double(width) * ratio)
    }

    private static func epsilon(_ json: ModelJSON) throws -> Float {
        guard let norm = try json.object("norm_kwargs") else { return 1e-5 }
        let value = try norm.optional("eps", as: Double.self) ?? 1e-5
        guard norm.unknown(["eps"]).isEmpty, value >= 0, value < 1 else {
            throw json.refusal("norm_kwargs", "expected eps from 0, and below 1")
        }
        return Float(value)
    }

    private static func preprocessing(_ json: ModelJSON, side: Int) throws -> Preprocessing {
        try refuse(
            json, known: ["mean", "std", "interpolation", "resize_mode", "fill_color"],
            // OpenCLIP ignores this key and uses the side of the image tower.
            harmless: ["size": nil, "mode": ["RGB"]])
        let fit: Framing.Fit
        switch try json.optional("resize_mode", as: String.self) ?? "shortest" {
        case "shortest": fit = .shortest(side)
        case "squash": fit = .squash(side)
        case "longest": fit = .longest
        default: throw json.refusal("resize_mode", "expected shortest, squash or longest")
        }
        let filter: Framing.Filter
        switch try json.optional("interpolation", as: String.self) ?? "bicubic" {
        case "bicubic", "random": filter = .bicubic  // OpenCLIP chooses randomly only in training
        case "bilinear": filter = .bilinear
        default: throw json.refusal("interpolation", "expected bicubic or bilinear")
        }
        return Preprocessing(
            framing: Framing(side: side, fit: fit, filter: filter, fill: try fill(json)),
            normalisation: try Normalisation(json, mean: "mean", deviation: "std", default: .clip))
    }

    /// Returns the colour around a padded picture as RGB, from the key `fill_color`.
    ///
    /// The key holds a grey level of 0 to 255, three of them, or null, which means black.
    private static func fill(_ json: ModelJSON) throws -> [UInt8] {
        let values = json.object["fill_color"].flatMap { value -> [Int]? in
            if value is NSNull { return [0, 0, 0] }
            if let level = value as? Int { return [level, level, level] }
            return value as? [Int]
        }
        let found = values ?? (json.object["fill_color"] == nil ? [0, 0, 0] : [])
        let colour = found.compactMap { UInt8(exactly: $0) }
        guard colour.count == 3, found.count == 3 else {
            throw json.refusal("fill_color", "expected a level of 0 to 255, or three")
        }
        return colour
    }

    /// Throws if the JSON object has an unknown key, or a known but unsupported key whose value changes the result.
    ///
    /// `known` are the supported keys. `harmless` maps each unsupported key to the values that change nothing: nil
    /// accepts any value, `[]` none.
    static func refuse(_ json: ModelJSON, known: Set<String>, harmless: [String: [Any]?]) throws {
        for key in json.object.keys.sorted() where !known.contains(key) && !(json.object[key] is NSNull) {
            guard let accepted = harmless[key] else { throw json.refuseUnknown(key) }
            if let accepted { try json.expect(key, any: accepted) }
        }
    }
}
