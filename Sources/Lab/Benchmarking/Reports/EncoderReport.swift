/// The measurement of `bench encoder`.
package struct EncoderReport: Encodable, Sendable {
    private let bench = "encoder"
    package let model: String
    /// oneDNN's version.
    package let onednn: String
    /// The instruction set that oneDNN uses.
    package let isa: String
    /// The CPU units that this project's kernels use.
    package let products: String
    package let rounds: Int
    package let results: [Result]

    init(model: String, onednn: String, isa: String, products: String, rounds: Int, results: [Result]) {
        (self.model, self.onednn, self.isa) = (model, onednn, isa)
        (self.products, self.rounds, self.results) = (products, rounds, results)
    }

    /// The result of one precision at one batch size; times are in milliseconds a picture.
    package struct Result: Encodable, Sendable {
        package let precision: String
        package let batch: Int
        package let threads: Int
        package let ms_per_image: Double
        package let ms_fastest: Double
        package let ms_slowest: Double
        /// The share of the time inside the layers' matrix products.
        package let matmul_share: Double
        /// The time of the same products by oneDNN, without anything else.
        package let plain_products_ms: Double
        /// The time of reading the weights' bytes from memory, without anything else.
        package let weights_read_ms: Double
    }
}
