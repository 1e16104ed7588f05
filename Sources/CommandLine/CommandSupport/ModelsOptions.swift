package import ArgumentParser
import Foundation
package import WatchwordConfiguration

/// The options of commands that find models by name.
package struct ModelsOptions: ParsableArguments {
    @Option(
        help: """
            The directory of models: WATCHWORD_MODELS, else XDG_DATA_HOME/watchword/models or \
            ~/.local/share/watchword/models, for root /var/lib/watchword/models.
            """)
    package var models: String?

    package init() {}

    /// The models in the chosen directory, and the bundled model.
    package var installed: InstalledModels {
        let standard = InstalledModels.standard()
        return models.map { InstalledModels(directory: URL(filePath: $0), bundled: standard.bundled) } ?? standard
    }
}
