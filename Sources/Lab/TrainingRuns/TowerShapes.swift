import CLIP
import Training

extension ImageShape {
    /// Makes the sizes of the image tower from a model's architecture.
    init(_ architecture: Architecture, spatiotemporal: Bool) {
        let vision = architecture.vision
        self.init(
            stack: StackShape(
                width: vision.width, heads: vision.heads, layers: vision.layers, epsilon: Double(vision.epsilon),
                inner: vision.inner, activation: vision.activation),
            patch: vision.patch, side: vision.side, embedding: architecture.embedding, spatiotemporal: spatiotemporal)
    }
}

extension TextShape {
    /// Makes the sizes of the text tower from a model's architecture.
    init(_ architecture: Architecture) {
        let text = architecture.text
        self.init(
            stack: StackShape(
                width: text.width, heads: text.heads, layers: text.layers, epsilon: Double(text.epsilon),
                inner: text.inner, activation: text.activation),
            context: text.context, vocabulary: text.vocabulary, embedding: architecture.embedding)
    }
}
