package import Checkpoints

/// The name tables of Hugging Face's and OpenCLIP's layouts, which differ from OpenAI's names.
extension NameTable {
    /// Returns the table that maps OpenAI's tensor names to those of Hugging Face's `CLIPModel` or `SiglipModel`.
    static func huggingFace(isSigLIP: Bool) -> NameTable {
        let head = "vision_model.head"
        var fixed: [String: Recipe] = [
            "logit_scale": .same("logit_scale"),
            "logit_bias": .same("logit_bias"),
            "text_projection": .transposed(isSigLIP ? "text_model.head.weight" : "text_projection.weight"),
            "positional_embedding": .same("text_model.embeddings.position_embedding.weight"),
            "token_embedding.weight": .same("text_model.embeddings.token_embedding.weight"),
            "visual.positional_embedding": .same("vision_model.embeddings.position_embedding.weight"),
            "visual.conv1.weight": .same("vision_model.embeddings.patch_embedding.weight"),
        ]
        if isSigLIP {
            fixed["visual.conv1.bias"] = .same("vision_model.embeddings.patch_embedding.bias")
            fixed["text_projection_bias"] = .same("text_model.head.bias")
            fixed["visual.attn_pool.probe"] = .same("\(head).probe")
            for part in ["weight", "bias"] {
                fixed["visual.attn_pool.attn.in_proj_\(part)"] = .same("\(head).attention.in_proj_\(part)")
                fixed["visual.attn_pool.attn.out_proj.\(part)"] = .same("\(head).attention.out_proj.\(part)")
                fixed["visual.attn_pool.layernorm.\(part)"] = .same("\(head).layernorm.\(part)")
                fixed["visual.attn_pool.mlp.c_fc.\(part)"] = .same("\(head).mlp.fc1.\(part)")
                fixed["visual.attn_pool.mlp.c_proj.\(part)"] = .same("\(head).mlp.fc2.\(part)")
            }
        } else {
            fixed["visual.proj"] = .transposed("visual_projection.weight")
            fixed["visual.class_embedding"] = .same("vision_model.embeddings.class_embedding")
            // Hugging Face has no name for CLIP4Clip's 3D patches; they keep CLIP4Clip's.
            fixed["visual.conv2.weight"] = .same("visual.conv2.weight")
        }
        for part in ["weight", "bias"] {
            fixed["ln_final.\(part)"] = .same("text_model.final_layer_norm.\(part)")
            // The misspelling is Hugging Face's own.
            if !isSigLIP { fixed["visual.ln_pre.\(part)"] = .same("vision_model.pre_layrnorm.\(part)") }
            fixed["visual.ln_post.\(part)"] = .same("vision_model.post_layernorm.\(part)")
        }
        return NameTable(
            fixed: fixed,
            stacks: [
                ("transformer.resblocks", "text_model.encoder.layers"),
                ("visual.transformer.resblocks", "vision_model.encoder.layers"),
            ]
        ) { from in
            pairs(
                [
                    "attn.out_proj": "self_attn.out_proj", "ln_1": "layer_norm1", "ln_2": "layer_norm2",
                    "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
                ], from
            ) { part in
                .joined(["q_proj", "k_proj", "v_proj"].map { "\(from).self_attn.\($0).\(part)" })
            }
        }
    }

    /// The table that maps OpenAI's tensor names to those of OpenCLIP models whose image tower is timm's.
    ///
    /// It covers `visual.trunk.…`, and the text projection if that is a linear layer.
    static let openCLIP: NameTable = {
        let trunk = "visual.trunk"
        var fixed: [String: Recipe] = [
            "text_projection": .transposed("text_projection.weight"),
            "text_projection_bias": .same("text_projection.bias"),
            "visual.class_embedding": .unbatched("\(trunk).cls_token"),
            "visual.positional_embedding": .unbatched("\(trunk).pos_embed"),
            "visual.conv1.weight": .same("\(trunk).patch_embed.proj.weight"),
            "visual.conv1.bias": .same("\(trunk).patch_embed.proj.bias"),
            "visual.proj": .transposed("\(trunk).head.weight"),
            "visual.proj_bias": .same("\(trunk).head.bias"),
            "visual.attn_pool.probe": .same("\(trunk).attn_pool.latent"),
            "visual.stem.2.bias": .same("\(trunk).patch_embed.backbone.2.conv.bias"),
        ]
        for stage in 0..<3 {
            let from = "\(trunk).patch_embed.backbone.\(stage)"
            fixed["visual.stem.\(stage).weight"] = .same("\(from).conv.weight")
            for part in ["weight", "bias", "running_mean", "running_var"] where stage < 2 {
                fixed["visual.stem.\(stage).norm.\(part)"] = .same("\(from).bn.\(part)")
            }
        }
        for part in ["weight", "bias"] {
            let pool = "\(trunk).attn_pool"
            fixed["visual.ln_pre.\(part)"] = .same("\(trunk).norm_pre.\(part)")
            fixed["visual.ln_post.\(part)"] = .same("\(trunk).norm.\(part)")
            fixed["visual.attn_pool.attn.in_proj_\(part)"] = .joined(["\(pool).q.\(part)", "\(pool).kv.\(part)"])
            for (ours, theirs) in [
                ("attn.out_proj", "proj"), ("layernorm", "norm"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"),
            ] {
                fixed["visual.attn_pool.\(ours).\(part)"] = .same("\(pool).\(theirs).\(part)")
            }
        }
        return NameTable(fixed: fixed, stacks: [("visual.transformer.resblocks", "\(trunk).blocks")]) { from in
            pairs(
                [
                    "attn.out_proj": "attn.proj", "ln_1": "norm1", "ln_2": "norm2", "mlp.c_fc": "mlp.fc1",
                    "mlp.c_proj": "mlp.fc2",
                ], from
            ) { part in .same("\(from).attn.qkv.\(part)") }
        }
    }()

    /// Returns how to build the tensors of one transformer block from those of another layout.
    ///
    /// `names` maps OpenAI's names to the layout's names; each has a weight and a bias. `joined` builds the joined
    /// projection of queries, keys and values.
    private static func pairs(
        _ names: [String: String], _ from: String, _ joined: (String) -> Recipe
    ) -> [String: Recipe] {
        var recipes: [String: Recipe] = [:]
        for part in ["weight", "bias"] {
            recipes["attn.in_proj_\(part)"] = joined(part)
            for (ours, theirs) in names { recipes["\(ours).\(part)"] = .same("\(from).\(theirs).\(part)") }
        }
        return recipes
    }
}

extension ModelDirectory.Layout {
    /// Returns the image and text tower of a checkpoint in this layout, with tensors named as in OpenAI's models.
    package func names(_ source: any TensorSource) -> any TowerNames {
        switch self {
        case .huggingFace:
            return MappedNames(
                source, .huggingFace(isSigLIP: source.has("text_model.head.weight")), keepsOthers: false)
        case .openAI, .openCLIP:
            let plain = OpenAINames(source)
            // A checkpoint that already has OpenAI's names needs no table.
            let others = ["text_projection.weight", "visual.trunk.pos_embed", "visual.trunk.norm.weight"]
            return others.contains(where: plain.has) ? MappedNames(plain, .openCLIP, keepsOthers: true) : plain
        }
    }
}
