import CLIP
import Foundation
import Pixels

extension ScoringEngine {
    /// Throws if the towers give no numbers: a file of weights may be well formed and damaged all the same.
    ///
    /// What is not finite spreads to the whole of an embedding. Damage that leaves numbers is not found.
    package func prove() throws {
        let side = model.architecture.vision.side
        let grey = Picture(side: side, rgb: [UInt8](repeating: 128, count: side * side * 3))
        let numbers = try embed(pictures: [grey]).joined() + embed(text: "a picture").embedding
        guard numbers.allSatisfy(\.isFinite) else {
            throw ModelError(
                model.url.path, "its weights give embeddings that are no numbers: a file of them is damaged")
        }
    }
}
