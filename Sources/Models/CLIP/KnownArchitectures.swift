extension Architecture {
    /// The names of OpenAI's models whose sizes are built in.
    package static let knownNames = ["ViT-B/32", "ViT-B/16", "ViT-L/14"]

    /// Fills in the sizes of one of OpenAI's models; nil if the name is not in `knownNames`.
    package init?(named name: String) {
        let sizes: [String: (width: Int, layers: Int, patch: Int, text: Int, embedding: Int)] = [
            "ViT-B/32": (768, 12, 32, 512, 512), "ViT-B/16": (768, 12, 16, 512, 512),
            "ViT-L/14": (1024, 24, 14, 768, 768),
        ]
        guard let size = sizes[name] else { return nil }
        self.init(
            vision: .init(
                width: size.width, layers: size.layers, heads: size.width / 64, patch: size.patch, side: 224),
            text: .init(width: size.text, layers: 12, heads: size.text / 64, context: 77, vocabulary: 49408),
            embedding: size.embedding)
    }
}
