package import ArgumentParser
package import CLIP
import Foundation
package import Tensors
import WatchwordConfiguration

/// The options of commands that load a model.
package struct ModelOptions: ParsableArguments {
    @Option(help: "The model: a directory, a checkpoint file, or a name from `model list`.")
    package var model: String = Installation.model.path
    @Option(help: "f32, bf16, int8, or auto: bf16 for the pictures of large models where the CPU has it.")
    package var precision = Precision.auto
    @OptionGroup package var models: ModelsOptions

    package init() {}

    /// Opens the model that the options name; prints notes on its configuration to standard error.
    package func directory() throws -> ModelDirectory {
        let directory = try ModelDirectory(models.installed.resolve(model))
        for note in directory.notes { Terminal.complain(note) }
        return directory
    }
}
