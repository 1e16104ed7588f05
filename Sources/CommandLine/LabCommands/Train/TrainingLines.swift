import CommandSupport
import Foundation
import TrainingRuns

/// Prints a training's progress, and a line or a JSON object for each entry of its log.
struct TrainingLines: Sendable {
    let json: Bool

    /// Prints a report of a training that has `epochs` epochs.
    func say(_ event: TrainingSession.Event, epochs: Int) throws {
        switch event {
        case .step(let epoch, let step, let loss, let left):
            Terminal.progress(
                "epoch \(epoch) of \(epochs), step \(step), loss " + String(format: "%.4f", loss)
                    + ", \(Self.words(left)) left")
        case .epoch(let epoch):
            Terminal.progress("")
            if json { return try Terminal.say(json: ShownEpoch(epoch)) }
            let recall = epoch.recallAt1.map { String(format: ", R@1 %.1f", $0) } ?? ""
            Terminal.say(String(format: "epoch \(epoch.epoch): loss %.4f", epoch.loss) + recall)
        }
    }

    /// Prints a report of a training that has `steps` steps.
    func say(_ event: StepSession.Event, steps: Int) throws {
        switch event {
        case .step(let step, let loss, let left):
            Terminal.progress(
                "step \(step) of \(steps), loss " + String(format: "%.3f", loss) + ", \(Self.words(left)) left")
        case .line(let line):
            Terminal.progress("")
            if json { return try Terminal.say(json: line) }
            let parts = line.parts.sorted { $0.key < $1.key }.map { "\($0.key) " + String(format: "%.3f", $0.value) }
            Terminal.say(
                "step \(line.step): loss " + String(format: "%.3f", line.loss) + ", " + parts.joined(separator: ", "))
        }
    }

    private static func words(_ time: Duration) -> String {
        time.formatted(.units(allowed: [.hours, .minutes, .seconds], maximumUnitCount: 2))
    }

    /// An epoch's log entry as it is printed: without the losses of single steps.
    private struct ShownEpoch: Encodable {
        let epoch: Int
        let loss: Double
        let recallAt1: Double?

        init(_ epoch: TrainingSession.Epoch) {
            (self.epoch, loss, recallAt1) = (epoch.epoch, epoch.loss, epoch.recallAt1)
        }

        private enum CodingKeys: String, CodingKey {
            case epoch, loss
            case recallAt1 = "R1"
        }
    }
}
