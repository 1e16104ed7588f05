import CLIP
import Checkpoints
import Foundation
import Pixels
import Tensors
import Testing

/// Compares configurations with transformers 5.24.0 and open_clip 3.3.0.
///
/// The transformers files are `image_processing_clip.py` and `configuration_clip.py`.
@Suite("Configurations")
struct ConfigurationTests {
    private func file(_ json: String) -> ModelFile { ModelFile(path: "here.json", data: Data(json.utf8)) }

    private func processor(_ json: String, _ notes: inout [String]) throws -> Preprocessing {
        try PreprocessorConfig.parse(file(json), side: 32, notes: &notes)
    }

    @Test(
        "every key of an image processor is obeyed",
        arguments: [
            ("{}", Framing(side: 32, cropRounding: .down)),
            (#"{"size": 32, "crop_size": 32}"#, Framing(side: 32, cropRounding: .down)),
            (#"{"size": {"shortest_edge": 40}}"#, Framing(side: 32, fit: .shortest(40), cropRounding: .down)),
            (
                #"{"size": {"height": 40, "width": 40}, "crop_size": {"height": 32, "width": 32}}"#,
                Framing(side: 32, fit: .squash(40), cropRounding: .down)
            ),
            (
                #"{"size": {"height": 32, "width": 32}, "do_center_crop": false}"#,
                Framing(side: 32, fit: .squash(32), cropRounding: .down)
            ),
            (
                #"{"size": 32, "default_to_square": true, "do_center_crop": false}"#,
                Framing(side: 32, fit: .squash(32), cropRounding: .down)
            ),
            (#"{"resample": 1}"#, Framing(side: 32, filter: .lanczos, cropRounding: .down)),
            (#"{"resample": 2}"#, Framing(side: 32, filter: .bilinear, cropRounding: .down)),
            (#"{"resample": 4}"#, Framing(side: 32, filter: .box, cropRounding: .down)),
            (#"{"resample": 5}"#, Framing(side: 32, filter: .hamming, cropRounding: .down)),
        ])
    func framing(_ json: String, _ expected: Framing) throws {
        var notes: [String] = []
        #expect(try processor(json, &notes) == Preprocessing(framing: expected) && notes.isEmpty)
    }

    @Test(
        "what cannot be obeyed is refused by its name",
        arguments: [
            (#"{"do_resize": false}"#, "do_resize"), (#"{"do_center_crop": false}"#, "do_center_crop"),
            (#"{"resample": 0}"#, "resample"), (#"{"size": {"longest_edge": 32}}"#, "size"),
            (#"{"size": {"height": 32, "width": 40}}"#, "size"), (#"{"size": 24}"#, "size"), (#"{"size": []}"#, "size"),
            (#"{"crop_size": 24}"#, "crop_size"), (#"{"crop_size": {"height": 32, "width": 24}}"#, "crop_size"),
            (#"{"do_pad": true}"#, "do_pad"), (#"{"do_sharpen": true}"#, "do_sharpen"),
            (#"{"image_processor_type": "ViTImageProcessor"}"#, "image_processor_type"),
            (#"{"image_std": [1, 1, 0]}"#, "image_std"), (#"{"rescale_factor": 0}"#, "rescale_factor"),
            (#"{"do_normalize": 3}"#, "do_normalize"),
        ])
    func refused(_ json: String, _ key: String) throws {
        var notes: [String] = []
        #expect { try processor(json, &notes) } throws: {
            "\($0)".contains("\"\(key)\"") && "\($0)".contains("here.json")
        }
    }

    @Test("rescaling and normalising are one step, and each may be off")
    func levels() throws {
        var notes: [String] = []
        let halves = #""image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]"#
        // (255 · f · x - mean) / std for x in 0...1.
        let plain = try processor("{\(halves)}", &notes).normalisation
        #expect(plain == Normalisation(mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25]))
        let double = try processor("{\(halves), \"rescale_factor\": \(2.0 / 255)}", &notes).normalisation
        #expect(double == Normalisation(mean: [0.25, 0.25, 0.25], deviation: [0.125, 0.125, 0.125]))
        let bytes = try processor("{\(halves), \"do_rescale\": false}", &notes).normalisation
        #expect(abs(bytes.mean[0] - 0.5 / 255) < 1e-8 && abs(bytes.deviation[0] - 0.25 / 255) < 1e-8)
        let off = try processor("{\(halves), \"do_normalize\": false}", &notes).normalisation
        #expect(off == Normalisation(mean: [0, 0, 0], deviation: [1, 1, 1]))
    }

    @Test("a number out of bounds is refused by a sentence with the bounds that hold")
    func bounds() throws {
        var notes: [String] = []
        let eps = file(#"{"vision_config": {"layer_norm_eps": 1.5}, "text_config": {}}"#)
        #expect { try HuggingFaceConfig.parse(eps, notes: &notes) } throws: {
            "\($0)".contains("\"vision_config.layer_norm_eps\": expected a number from 0, and below 1")
        }
        for fps in ["0.0", "1000.5"] {
            #expect { try ModelDefaults.parse(file(#"{"sampling": {"fps": \#(fps)}}"#)) } throws: {
                "\($0)".contains("fps above 0, and at most 1000")
            }
        }
    }

    @Test("keys that are not known are named")
    func unknown() throws {
        var notes: [String] = []
        _ = try processor(#"{"sharpness": 2, "do_sharpen": false, "nothing": null}"#, &notes)
        #expect(notes.count == 2 && notes.contains { $0.contains("\"sharpness\"") })
        notes = []
        let config = #"{"vision_config": {"rope_theta": 1}, "text_config": {"window": 3}, "depth": 1}"#
        _ = try HuggingFaceConfig.parse(file(config), notes: &notes)
        for key in ["vision_config.rope_theta", "text_config.window", "depth"] {
            #expect(notes.contains { $0.contains("\"\(key)\"") })
        }
    }

    @Test("where both stand, *_config_dict is taken, with the defaults for what it lacks")
    func dictionaries() throws {
        var notes: [String] = []
        let json = #"""
            {"vision_config": {"hidden_size": 64, "num_attention_heads": 4, "hidden_act": "gelu"},
             "vision_config_dict": {"hidden_size": 96, "num_attention_heads": 6},
             "text_config": {"hidden_size": 32, "num_attention_heads": 2, "eos_token_id": 7, "intermediate_size": 100},
             "text_config_dict": null}
            """#
        let read = try HuggingFaceConfig.parse(file(json), notes: &notes)
        #expect(read.vision.width == 96 && read.vision.heads == 6 && read.vision.activation == .quickGELU)
        #expect(read.text.width == 32 && read.text.endToken == 7 && read.text.inner == 100 && read.vision.inner == 3072)
        let alone = #"{"vision_config_dict": {"image_size": 64}, "text_config_dict": {}}"#
        #expect(try HuggingFaceConfig.parse(file(alone), notes: &notes).vision.side == 64)
    }

    @Test(
        "keys of config.json that change numbers in ways that are not read are refused",
        arguments: [
            (#""quantization_config": {"bits": 4}"#, "quantization_config"),
            (#""vision_config": {"num_channels": 4}, "text_config": {}"#, "num_channels"),
            (#""vision_config": {"hidden_act": "relu"}, "text_config": {}"#, "hidden_act"),
            (#""vision_config": {"pruned_heads": {"0": [1]}}, "text_config": {}"#, "pruned_heads"),
            (#""model_type": "siglip2""#, "model_type"),
            (#""model_type": "siglip", "text_config": {"projection_size": 8}"#, "projection_size"),
            (#""model_type": "siglip", "vision_config": {"vision_use_head": false}"#, "vision_use_head"),
        ])
    func refusedConfig(_ json: String, _ key: String) throws {
        var notes: [String] = []
        #expect {
            try HuggingFaceConfig.parse(file("{\(json), \"projection_dim\": 8}"), notes: &notes)
        } throws: { "\($0)".contains(key) }
    }

    private func openCLIP(model: String = "", vision: String = "", text: String = "", pictures: String = "")
        -> ModelFile
    {
        file(
            """
            {"model_cfg": {"embed_dim": 24\(model), "vision_cfg": {"image_size": 32, "width": 48, "patch_size": 8\(vision)},
             "text_cfg": {"width": 64\(text)}}, "preprocess_cfg": {\(pictures)}}
            """)
    }

    private func parse(_ file: ModelFile) throws -> (Architecture, Preprocessing) {
        let model = try OpenCLIPConfig.parse(file, tensors: MemoryTensors([:], origin: "none"))
        return (model.architecture, model.preprocessing)
    }

    @Test("OpenCLIP's keys and defaults are obeyed")
    func openCLIPKeys() throws {
        let (plain, pictures) = try parse(openCLIP(vision: #", "head_width": 16, "mlp_ratio": 4.3637"#))
        #expect(
            plain.vision.heads == 3 && plain.vision.inner == 209 && plain.text.heads == 8 && plain.text.layers == 12)
        #expect(plain.vision.activation == .gelu && plain.text.vocabulary == 49408 && plain.text.endToken == nil)
        #expect(pictures == Preprocessing(framing: Framing(side: 32)))
        let (quick, squashed) = try parse(
            openCLIP(
                model: #", "quick_gelu": true"#, vision: #", "head_width": 24, "norm_kwargs": {"eps": 1e-6}"#,
                text: #", "heads": 4, "pool_type": "eos", "eos_id": 9"#,
                pictures: #""resize_mode": "squash", "interpolation": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1]"#)
        )
        #expect(quick.vision.activation == .quickGELU && quick.vision.heads == 2 && quick.vision.epsilon == 1e-6)
        #expect(quick.text.heads == 4 && quick.text.endToken == 9)
        #expect(squashed.framing == Framing(side: 32, fit: .squash(32), filter: .bilinear))
        #expect(squashed.normalisation == Normalisation(mean: [0, 0, 0], deviation: [1, 1, 1]))
        let padded = openCLIP(
            vision: #", "head_width": 16"#, pictures: #""resize_mode": "longest", "fill_color": 7, "size": [32, 32]"#)
        #expect(
            try parse(padded).1.framing == Framing(side: 32, fit: .longest, fill: [7, 7, 7]))
    }

    @Test(
        "OpenCLIP's keys of other architectures, and keys that are not known, are refused by their names",
        arguments: [
            (#", "rotary": true"#, "", "", "", "rotary"), ("", #", "layers": [3, 4, 6, 3]"#, "", "", "layers"),
            ("", #", "timm_model_name": "vit_base"#, "", "", "JSON"),
            ("", #", "timm_model_name": "vit_base""#, "", "", "timm_model_name"),
            ("", #", "no_ln_pre": true"#, "", "", "no_ln_pre"), ("", #", "pool_type": "avg""#, "", "", "pool_type"),
            ("", #", "ls_init_value": 0.1"#, "", "", "ls_init_value"),
            ("", #", "head_width": 16, "act_kwargs": {"slope": 2}"#, "", "", "act_kwargs"),
            (
                #", "quick_gelu": true"#, #", "head_width": 16, "act_kwargs": {"approximate": "tanh"}"#, "", "",
                "act_kwargs"
            ),
            ("", #", "timm_model_name": "vit_base_patch16_siglip_gap_256""#, "", "", "timm_model_name"),
            ("", "", #", "tokenizer_kwargs": {"clean": "whitespace"}"#, "", "tokenizer_kwargs"),
            ("", "", #", "hf_tokenizer_name": "x", "tokenizer_kwargs": {"clean": "none"}"#, "", "clean"),
            ("", "", #", "no_causal_mask": true"#, "", "no_causal_mask"),
            ("", "", #", "pool_type": "last""#, "", "pool_type"),
            ("", "", #", "hf_model_name": "roberta""#, "", "hf_model_name"),
            ("", "", "", #""interpolation": "nearest""#, "interpolation"),
            ("", "", "", #""resize_mode": "stretch""#, "resize_mode"), ("", "", "", #""mode": "L""#, "mode"),
            ("", "", "", #""fill_color": 300"#, "fill_color"), ("", "", "", #""gamma": 2"#, "gamma"),
        ])
    func openCLIPRefused(_ model: String, _ vision: String, _ text: String, _ pictures: String, _ key: String) throws {
        #expect {
            try parse(
                openCLIP(
                    model: model, vision: vision.isEmpty ? #", "head_width": 16"# : vision, text: text,
                    pictures: pictures))
        } throws: { "\($0)".contains(key) }
    }
}
