/// The results of `watchword bench heads`.
package struct HeadsReport: Encodable, Sendable {
    private let bench = "heads"
    package let model: String
    package let layers: Int
    package let attention_heads: Int
    package let threads: Int
    package let rounds: Int
    package let results: [Result]
    /// The side of a square matrix product; `sgemm_square_gflops` is the rate at which it is computed.
    package let sgemm_square: Int
    package let sgemm_square_gflops: Double

    init(
        model: String, layers: Int, attention_heads: Int, threads: Int, rounds: Int, results: [Result],
        sgemm_square: Int, sgemm_square_gflops: Double
    ) {
        (self.model, self.layers, self.attention_heads) = (model, layers, attention_heads)
        (self.threads, self.rounds, self.results) = (threads, rounds, results)
        (self.sgemm_square, self.sgemm_square_gflops) = (sgemm_square, sgemm_square_gflops)
    }

    /// The result of one head at one batch size.
    package struct Result: Encodable, Sendable {
        package let head: String
        package let frames: Int
        package let width: Int
        package let batch: Int
        package let us_per_window: Double
        package let us_fastest: Double
        package let us_slowest: Double
        package let gflops: Double
        /// The rate of OpenBLAS's sgemm on the head's matrix products, in GFLOP/s; 0 for a head without any.
        package let sgemm_gflops: Double
        package let sgemm_share: Double
        /// The rate at which the head reads frame embeddings, in gigabytes per second.
        package let gb_per_s: Double

        init(_ model: HeadModel, _ batch: Int, _ timing: Rounds.Timing, products: Rounds.Timing) {
            head = model.name
            frames = model.frames
            width = model.width
            self.batch = batch
            us_per_window = timing.median / Double(batch) * 1e6
            us_fastest = timing.fastest / Double(batch) * 1e6
            us_slowest = timing.slowest / Double(batch) * 1e6
            gflops = model.flops(batch: batch) / timing.median / 1e9
            let plain = model.products(batch: batch).reduce(0) { $0 + $1.flops }
            sgemm_gflops = plain / products.median / 1e9
            sgemm_share = plain > 0 ? gflops / sgemm_gflops : 0
            gb_per_s = Double(4 * batch * model.frames * model.width) / timing.median / 1e9
        }
    }
}
