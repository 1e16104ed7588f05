import Checkpoints
package import Foundation
import SystemSupport

/// Reads and writes a training's state on disk: parameters, the optimiser's moments, and the plan.
package enum TrainingCheckpoint {
    /// Writes a checkpoint atomically: if writing fails, an existing file stays unchanged.
    package static func write(
        _ progress: Trainer.Progress, of layout: ParameterLayout, plan: some Encodable, data: String, to url: URL
    ) throws {
        var weights: [String: HeadWeights] = [:]
        for entry in layout.entries {
            for (kind, values) in [("p", progress.parameters), ("m", progress.first), ("v", progress.second)] {
                weights["\(kind).\(entry.name)"] = HeadWeights(shape: entry.shape, values: Array(values[entry.range]))
            }
        }
        let metadata = [
            "epoch": "\(progress.epoch)", "step": "\(progress.step)", "optimiser_step": "\(progress.optimiserStep)",
            "plan": try described(plan), "data": data,
        ]
        try AtomicFile.write(to: url.path) { part in
            try SafetensorsWriter.write(
                MemoryTensors(weights, origin: url.path), names: weights.keys, metadata: metadata, to: part)
        }
    }

    /// Reads a checkpoint; throws if it was written for another model, plan or data set.
    package static func read(
        _ url: URL, of layout: ParameterLayout, plan: some Encodable, data: String
    ) throws -> Trainer.Progress {
        let file = try SafetensorsFile(path: url.path)
        guard file.metadata["plan"] == (try described(plan)), file.metadata["data"] == data else {
            throw TrainingError(
                "\(url.path): this training was begun with other options or other data; without --resume it begins anew"
            )
        }
        guard let epoch = file.metadata["epoch"].flatMap({ Int($0) }), epoch >= 0,
            let step = file.metadata["step"].flatMap({ Int($0) }), step >= 0,
            let optimiserStep = file.metadata["optimiser_step"].flatMap({ Int($0) }), optimiserStep >= 0
        else { throw TrainingError("\(url.path): it is no checkpoint of a training") }
        var progress = Trainer.Progress(parameters: [])
        (progress.epoch, progress.step, progress.optimiserStep) = (epoch, step, optimiserStep)
        for entry in layout.entries {
            progress.parameters += try file.floats("p.\(entry.name)", shape: entry.shape)
            progress.first += try file.floats("m.\(entry.name)", shape: entry.shape)
            progress.second += try file.floats("v.\(entry.name)", shape: entry.shape)
        }
        return progress
    }

    private static func described(_ plan: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(plan), as: UTF8.self)
    }
}
