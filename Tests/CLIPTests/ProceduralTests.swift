import CLIP
import Checkpoints
import Foundation
import Pixels
import Tensors
import TestSupport
import Testing

/// The content of `procedural.json`.
private struct Procedural: Decodable {
    struct Image: Decodable {
        let kind: Int, seed: Int, t: Int
    }
    struct Tolerance: Decodable {
        let atol: Double, rtol: Double
    }
    struct Arch: Decodable {
        let file: String
        let config: ProceduralCLIP.Sizes
    }
    let seed: UInt64
    let images: [Image]
    let tolerance: Tolerance
    struct Heads: Decodable {
        struct Video: Decodable {
            let kind: Int, seed: Int, frames: Int
        }
        struct Tolerance: Decodable {
            let embeddings_atol: Double
        }
        let videos: [Video]
        let max_frames: Int
        let arch: String, file: String
        let tolerance: Tolerance
    }
    let archs: [String: Arch]
    let heads: Heads
}

@Suite("CLIP at full size, on procedural weights")
struct ProceduralTests {
    /// The tested architectures; ViT-L/14 takes as long as all others, so only `make quality` includes it.
    private static let names = ["tiny", "ViT-B/32", "ViT-B/16"] + (measuresQuality ? ["ViT-L/14"] : [])

    @Test("image and text features match the reference", arguments: names)
    func matches(_ name: String) throws {
        let folder = Fixtures.reference.appending(path: "procedural")
        let recipe = try Fixtures.json(Procedural.self, folder.appending(path: "procedural.json"))
        let arch = try #require(recipe.archs[name])
        let expected = try Fixtures.safetensors(folder.appending(path: arch.file))
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let source = ProceduralCLIP(arch.config, seed: recipe.seed)
        let architecture = try Architecture(inferredFrom: source)
        #expect(architecture.embedding == arch.config.embed)

        let images = try ImageEncoder(source, architecture: architecture, precision: .f32)
        let pictures = recipe.images.map {
            Picture(side: 224, rgb: ProceduralCLIP.image(kind: $0.kind, seed: $0.seed, t: $0.t))
        }
        let features = try images.encode(pictures)
        let wanted = try expected.floats("image_features")
        let d = arch.config.embed
        for row in 0..<pictures.count {
            #expect(cosine(features.row(row), wanted[row * d..<(row + 1) * d]) >= 0.99999)
        }
        #expect(
            worstExcess(features.values, wanted, rtol: recipe.tolerance.rtol) <= recipe.tolerance.atol,
            "image features of \(name)")

        let texts = try TextEncoder(source, architecture: architecture, precision: .f32)
        let ids = try inputs.integers("token_ids")
        let wantedTexts = try expected.floats("text_features")
        for row in 0..<ids.count / 77 {
            let text = try texts.encode(Array(ids[row * 77..<(row + 1) * 77]))
            let want = wantedTexts[row * d..<(row + 1) * d]
            #expect(cosine(text, want) >= 0.99999)
            #expect(worstExcess(text, want, rtol: recipe.tolerance.rtol) <= recipe.tolerance.atol)
        }
    }

    @Test("frame embeddings of whole videos match the reference, of 2D and of 3D patches", arguments: ["2d", "3d"])
    func videos(_ patch: String) throws {
        let folder = Fixtures.reference.appending(path: "procedural")
        let recipe = try Fixtures.json(Procedural.self, folder.appending(path: "procedural.json"))
        let heads = recipe.heads
        let wanted = try Fixtures.safetensors(folder.appending(path: heads.file)).floats("frame_embeddings_\(patch)")
        let arch = try #require(recipe.archs[heads.arch])
        let source = ProceduralCLIP(arch.config, seed: recipe.seed, spatiotemporal: patch == "3d")
        let encoder = try ImageEncoder(source, architecture: Architecture(inferredFrom: source), precision: .f32)
        #expect(encoder.architecture.vision.linearPatch.rawValue == patch)
        let d = arch.config.embed
        for (index, video) in heads.videos.enumerated() {
            let pictures = (0..<video.frames).map {
                Picture(side: 224, rgb: ProceduralCLIP.image(kind: video.kind, seed: video.seed, t: $0))
            }
            let found = try encoder.encode(FrameInContext.window(pictures)).values
            let start = index * heads.max_frames * d
            let worst = worstExcess(found, wanted[start..<start + found.count])
            #expect(worst <= heads.tolerance.embeddings_atol, "video \(index): \(worst)")
        }
    }

    @Test("low precisions are near f32 on ViT-B/32", arguments: [(Precision.bf16, 0.999), (.int8, 0.99)])
    func lowPrecision(_ precision: Precision, _ bound: Double) throws {
        let folder = Fixtures.reference.appending(path: "procedural")
        let recipe = try Fixtures.json(Procedural.self, folder.appending(path: "procedural.json"))
        let arch = try #require(recipe.archs["ViT-B/32"])
        let expected = try Fixtures.safetensors(folder.appending(path: arch.file))
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let source = ProceduralCLIP(arch.config, seed: recipe.seed)
        let architecture = try Architecture(inferredFrom: source)
        let d = arch.config.embed
        let pictures = recipe.images.map {
            Picture(side: 224, rgb: ProceduralCLIP.image(kind: $0.kind, seed: $0.seed, t: $0.t))
        }
        let images = try ImageEncoder(source, architecture: architecture, precision: precision).encode(pictures)
        let wanted = try expected.floats("image_features")
        let pictureCosines = (0..<pictures.count).map { cosine(images.row($0), wanted[$0 * d..<($0 + 1) * d]) }
        let encoder = try TextEncoder(source, architecture: architecture, precision: precision)
        let ids = try inputs.integers("token_ids")
        let texts = try expected.floats("text_features")
        let textCosines = try (0..<ids.count / 77).map {
            cosine(try encoder.encode(Array(ids[$0 * 77..<($0 + 1) * 77])), texts[$0 * d..<($0 + 1) * d])
        }
        print("ViT-B/32 \(precision.rawValue): cosines of pictures \(pictureCosines), of texts \(textCosines)")
        #expect((pictureCosines.min() ?? 0) >= bound && (textCosines.min() ?? 0) >= bound)
    }
}
