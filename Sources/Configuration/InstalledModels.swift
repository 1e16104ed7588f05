package import CLIP
package import Foundation
import Journal

/// The models installed in a directory, by name: "name", or "owner/name" as on the Hugging Face hub.
package struct InstalledModels: Sendable {
    package struct Entry: Sendable {
        package let name: String
        package let url: URL
    }

    package let directory: URL
    /// The directory of the bundled model, which can be named, too; nil if there is none.
    package let bundled: URL?

    package init(directory: URL, bundled: URL? = nil) { (self.directory, self.bundled) = (directory, bundled) }

    /// Returns the bundled model's name in lists, such as "shapes (bundled)".
    package static func name(ofBundled url: URL) -> String { "\(url.lastPathComponent) (bundled)" }

    /// Returns the models in the default directory.
    ///
    /// That is `$WATCHWORD_MODELS`, or the user's data directory, or for root `/var/lib/watchword/models`.
    package static func standard(
        _ environment: [String: String] = ProcessInfo.processInfo.environment, isRoot: Bool = geteuid() == 0
    ) -> InstalledModels {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func models(_ directory: URL) -> InstalledModels {
            InstalledModels(directory: directory, bundled: Installation.model)
        }
        if let path = variable("WATCHWORD_MODELS") { return models(URL(filePath: path)) }
        if isRoot, variable("XDG_DATA_HOME") == nil { return models(URL(filePath: "/var/lib/watchword/models")) }
        let data =
            variable("XDG_DATA_HOME").map { URL(filePath: $0) }
            ?? URL(filePath: variable("HOME") ?? NSHomeDirectory()).appending(path: ".local/share")
        return models(data.appending(path: "watchword/models"))
    }

    /// All model folders in the directory, by name; folders with other content are included and fail when opened.
    package var all: [Entry] {
        folders(in: directory).flatMap { folder -> [Entry] in
            let name = folder.lastPathComponent
            let inner = folders(in: folder)
            let isOwner = !Self.isModel(folder) && (inner.contains(where: Self.isModel) || !Self.hasFiles(folder))
            if !isOwner { return [Entry(name: name, url: folder)] }
            return inner.filter { Self.isModel($0) || Self.hasFiles($0) }.map {
                Entry(name: "\(name)/\($0.lastPathComponent)", url: $0)
            }
        }
    }

    /// Returns the folder of a model that `--model` or `model:` names: an existing path, or else an installed model's
    /// name.
    ///
    /// `owner/name` is also found by `name` alone, if only one owner has it. The bundled model is found by its name, if
    /// no other model has it. Throws if nothing is found, or the name is ambiguous.
    package func resolve(_ model: String, from folder: URL? = nil) throws(ModelError) -> URL {
        let isRelative = !model.hasPrefix("/")
        let path = isRelative ? folder?.appending(path: model) ?? URL(filePath: model) : URL(filePath: model)
        if FileManager.default.fileExists(atPath: path.path) { return path }
        let found = all.filter { $0.name == model || $0.name.hasSuffix("/\(model)") }
        if let exact = found.first(where: { $0.name == model }) ?? (found.count == 1 ? found.first : nil) {
            return exact.url
        }
        if let bundled, isBundled(model, found), FileManager.default.fileExists(atPath: bundled.path) { return bundled }
        guard found.isEmpty else {
            let names = found.map(\.name).joined(separator: ", ")
            throw ModelError(model, kind: .ambiguous, "the name is ambiguous: \(names)")
        }
        let names = all.prefix(10).map(\.name) + (bundled.map { [$0.lastPathComponent] } ?? [])
        let known = names.isEmpty ? "" : "; there are: \(names.joined(separator: ", "))"
        throw ModelError(
            model, kind: .missing, "there is no such model: no such path, and no such name in \(directory.path)\(known)"
        )
    }

    private func isBundled(_ model: String, _ found: [Entry]) -> Bool {
        guard let bundled else { return false }
        return model == Self.name(ofBundled: bundled) || found.isEmpty && model == bundled.lastPathComponent
    }

    private static func isModel(_ folder: URL) -> Bool {
        ["config.json", "open_clip_config.json", "model.safetensors", "pytorch_model.bin", "snapshots", "0_CLIPModel"]
            .contains {
                FileManager.default.fileExists(atPath: folder.appending(path: $0).path)
            }
    }

    private static func hasFiles(_ folder: URL) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.contains { name in
            var isDirectory: ObjCBool = false
            let path = folder.appending(path: name).path
            return !name.hasPrefix(".") && FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }
    }

    /// Returns the folders in `parent`, sorted by name, without hidden ones, which are incomplete downloads.
    private func folders(in parent: URL) -> [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted().map { parent.appending(path: $0) }.filter {
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0.path, isDirectory: &isDirectory) && isDirectory.boolValue
        }
    }
}
