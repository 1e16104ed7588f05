/// A model on a public hub that the command `model pull` knows by a short name.
package struct KnownModel: Sendable, Encodable {
    /// A published accuracy of the model on one benchmark, with its source.
    package struct Accuracy: Sendable, Encodable {
        package let benchmark: String
        /// The accuracy in per cent.
        package let value: Double
        package let source: String
    }

    package let name: String
    package let repository: String
    package let family: String
    /// The licence of the model's weights; nil if the repository states none.
    package let licence: String?
    /// The size of the download in bytes: the weights and the tokenizer files.
    package let bytes: Int
    package let accuracy: [Accuracy]

    /// All models with a short name, the most useful first.
    package static let all = [
        KnownModel(
            name: "siglip2-base", repository: "google/siglip2-base-patch16-256", family: "SigLIP 2 ViT-B/16@256",
            licence: "Apache-2.0", bytes: 1_540_000_000,
            accuracy: [
                Accuracy(
                    benchmark: imageNet, value: 79.1, source: "Tschannen et al. 2025, arXiv:2502.14786, table 1")
            ]),
        KnownModel(
            name: "pe-core-b16", repository: "timm/PE-Core-B-16", family: "PE-Core ViT-B/16", licence: "Apache-2.0",
            bytes: 1_800_000_000,
            accuracy: [
                Accuracy(benchmark: imageNet, value: 78.4, source: perceptionModels),
                Accuracy(benchmark: "MSR-VTT text to video R@1", value: 47.6, source: perceptionModels),
            ]),
        KnownModel(
            name: "datacomp-b32-256", repository: "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
            family: "CLIP ViT-B/32@256", licence: "MIT", bytes: 610_000_000,
            accuracy: [Accuracy(benchmark: imageNet, value: 72.8, source: openCLIP)]),
        KnownModel(
            name: "openai-b32", repository: "openai/clip-vit-base-patch32", family: "CLIP ViT-B/32",
            licence: "MIT", bytes: 610_000_000,
            accuracy: [Accuracy(benchmark: imageNet, value: 63.3, source: openCLIP)]),
        KnownModel(
            name: "clip4clip-webvid", repository: "Searchium-ai/clip4clip-webvid150k",
            family: "CLIP4Clip meanP ViT-B/32", licence: nil, bytes: 610_000_000,
            accuracy: [
                Accuracy(
                    benchmark: "WebVid, 10,000 clips, text to video R@1", value: 50.7, source: "the model's card")
            ]),
    ]

    private static let imageNet = "ImageNet zero-shot top-1"
    private static let openCLIP = "mlfoundations/open_clip, docs/openclip_results.csv"
    private static let perceptionModels = "facebookresearch/perception_models, apps/pe/README.md"

    /// Returns the model with the short name `name`; nil if there is none.
    package static func named(_ name: String) -> KnownModel? { all.first { $0.name == name } }

    /// The model's name on the hub, `owner/name`.
    package var model: ModelName { get throws(HubError) { try ModelName(repository) } }
}
