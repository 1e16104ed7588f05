/// The results of `watchword bench encoder`.
package struct EncoderReport: Encodable, Sendable {
    private let bench = "encoder"
    package let model: String
    /// The version of oneDNN.
    package let onednn: String
    /// The instruction set that oneDNN uses.
    package let isa: String
    /// The CPU units that Watchword's own kernels use.
    package let products: String
    package let rounds: Int
    package let results: [Result]

    init(model: String, onednn: String, isa: String, products: String, rounds: Int, results: [Result]) {
        (self.model, self.onednn, self.isa) = (model, onednn, isa)
        (self.products, self.rounds, self.results) = (products, rounds, results)
    }

    /// The result of one precision at one batch size; times are in milliseconds per picture.
    package struct Result: Encodable, Sendable {
        package let precision: String
        package let batch: Int
        package let threads: Int
        package let ms_per_image: Double
        package let ms_fastest: Double
        package let ms_slowest: Double
        /// The share of the image tower's time that is spent in matrix products.
        package let matmul_share: Double
        /// The time that oneDNN needs for the image tower's matrix products alone.
        package let plain_products_ms: Double
        /// The time of reading the image tower's weights from memory.
        package let weights_read_ms: Double
    }
}
