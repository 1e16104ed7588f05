import CLIP
import Checkpoints
import Foundation

/// Random weights of a whole model, generated on each read, always with the same values.
struct RandomModel: TensorSource {
    let tensors: [String: TensorInfo]
    let origin = "random weights"

    init(_ architecture: Architecture) {
        tensors = TowerTensors.expected(architecture).reduce(into: [:]) {
            // Tensors without a known shape are those of attention pooling, which no architecture used here has.
            guard let shape = $1.shape else { return }
            $0[$1.name] = TensorInfo(name: $1.name, type: .float32, shape: shape)
        }
    }

    func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard let info = tensors[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        var random = SeededNumbers(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        let isNorm = name.contains("ln_") && name.hasSuffix("weight")
        return random.numbers(info.count, mean: isNorm ? 1 : 0, deviation: 0.03)
    }

    /// Writes the random weights as a model directory, with the tensor names of OpenAI's CLIP.
    func write(to directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try SafetensorsWriter.write(
            self, names: tensors.keys, to: directory.appending(path: "model.safetensors").path)
    }
}
