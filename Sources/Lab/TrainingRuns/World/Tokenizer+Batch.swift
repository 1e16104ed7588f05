import CLIP
import Tokenizers
import Training

extension Tokenizer {
    /// Returns the token ids of captions, each cut to the text tower's context length.
    func batch(_ captions: [String], _ text: Architecture.Text) -> TokenBatch {
        TokenBatch(captions.map { tokens($0, limit: text.context).ids }, endToken: text.endToken)
    }
}
