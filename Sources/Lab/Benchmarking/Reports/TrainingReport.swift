/// The results of `watchword bench training`; times are in milliseconds per step.
package struct TrainingReport: Encodable, Sendable {
    private let bench = "training"
    package let head: String
    package let width, frames, batch, layers, threads: Int
    /// The median time of a training step.
    package let msPerStep: Double
    package let fastest: Double
    package let slowest: Double

    private enum CodingKeys: String, CodingKey {
        case bench, head, width, frames, batch, layers, threads, fastest, slowest
        case msPerStep = "ms_per_step"
    }

    init(
        head: String, width: Int, frames: Int, batch: Int, layers: Int, threads: Int, msPerStep: Double,
        fastest: Double, slowest: Double
    ) {
        (self.head, self.width, self.frames, self.batch) = (head, width, frames, batch)
        (self.layers, self.threads, self.msPerStep) = (layers, threads, msPerStep)
        (self.fastest, self.slowest) = (fastest, slowest)
    }
}
