import Checkpoints
import Foundation

/// The location of a model's files on disk: their folder, the weights, and the kind of configuration.
struct ModelContents {
    /// The folder that contains the model's files; the checkpoint itself if it is used without a directory.
    ///
    /// It is the directory that the user named, or a folder within it, such as a snapshot of the hub's cache.
    let folder: URL
    /// The directory that the user named, or the directory of the checkpoint that the user named.
    ///
    /// It is the checkpoint itself if that is used without a directory.
    let named: URL
    /// The checkpoint file or shard index; nil if the folder has no weights.
    let weights: URL?
    /// True if `open_clip_config.json` describes the weights.
    let isOpenCLIP: Bool

    /// The file names of weights of Hugging Face and CLIP4Clip; the first that exists is read.
    static let weightNames = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    ]
    /// The file names of OpenCLIP's weights; the first that exists is read, in the same order as OpenCLIP's.
    private static let openCLIPNames = [
        "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin",
        "open_clip_pytorch_model.pth",
    ]

    /// Finds the files of the model at `url`, which is a directory or a checkpoint.
    ///
    /// A checkpoint with one of the usual names of weights stands for its whole directory, with its configuration. Any
    /// other checkpoint is a model without further files.
    init(_ url: URL) throws(ModelError) {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) else {
            throw ModelError(url.path, kind: .missing, "there is no such model")
        }
        guard isDirectory.boolValue else {
            let around = try? ModelContents(url.absoluteURL.deletingLastPathComponent())
            if let around, around.weights?.standardizedFileURL.path == url.standardizedFileURL.path {
                self = around
            } else {
                (folder, named, weights, isOpenCLIP) = (url, url, url, false)
            }
            return
        }
        named = url
        let folder = try Self.folder(url)
        self.folder = folder
        func first(_ names: [String]) -> URL? {
            names.map { folder.appending(path: $0) }.first { FileManager.default.fileExists(atPath: $0.path) }
        }
        let (huggingFace, openCLIP) = (first(Self.weightNames), first(Self.openCLIPNames))
        let hasOpenCLIP = Self.has("open_clip_config.json", folder)
        // A directory may hold both layouts: use each configuration only with weights that have its tensor names.
        let prefersHuggingFace = Self.describesCLIP(folder) && huggingFace != nil
        if hasOpenCLIP, !prefersHuggingFace {
            (weights, isOpenCLIP) = (openCLIP ?? huggingFace, true)
        } else {
            (weights, isOpenCLIP) = (huggingFace ?? openCLIP ?? Self.perceptionEncoder(folder), false)
        }
    }

    /// Returns the folder that holds the model's files.
    ///
    /// It looks inside directories made by sentence-transformers and by Hugging Face's hub cache.
    private static func folder(_ url: URL) throws(ModelError) -> URL {
        let isModel = (weightNames + openCLIPNames + ["config.json", "open_clip_config.json"]).contains { has($0, url) }
        if has("0_CLIPModel/config.json", url) {
            if !isModel || has("modules.json", url) { return url.appending(path: "0_CLIPModel") }
        }
        let snapshots = url.appending(path: "snapshots")
        guard !isModel, let found = try? FileManager.default.contentsOfDirectory(atPath: snapshots.path) else {
            return url
        }
        let revisions = found.filter { !$0.hasPrefix(".") }.sorted()
        let main = (try? String(contentsOf: url.appending(path: "refs/main"), encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
        if let main, revisions.contains(main) { return try folder(snapshots.appending(path: main)) }
        guard let only = revisions.first, revisions.count == 1 else {
            throw ModelError(
                url.path,
                revisions.isEmpty
                    ? "snapshots/ is empty: the download into this cache is not complete"
                    : "snapshots/ has \(revisions.count) revisions and refs/main names none of them; name one: "
                        + "\(revisions.map { "snapshots/\($0)" }.joined(separator: ", "))")
        }
        return try folder(snapshots.appending(path: only))
    }

    /// Returns whether a file is named like Meta's PE-Core weights, such as `PE-Core-B16-224.pt`.
    private static func isPerceptionEncoder(_ name: String) -> Bool {
        name.hasPrefix("PE-Core-") && name.hasSuffix(".pt")
    }

    /// Returns the file in the folder that is named like Meta's PE-Core weights; nil unless there is exactly one.
    private static func perceptionEncoder(_ folder: URL) -> URL? {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let found = files.filter(isPerceptionEncoder)
        return found.count == 1 ? folder.appending(path: found[0]) : nil
    }

    /// Returns the file name that a checkpoint called `name` needs in a model directory, to be found as its weights.
    static func weightName(of name: String) -> String {
        if (weightNames + openCLIPNames).contains(name) || isPerceptionEncoder(name) { return name }
        if name.hasSuffix(".index.json") {
            return name.hasSuffix(".bin.index.json") ? "pytorch_model.bin.index.json" : "model.safetensors.index.json"
        }
        return name.hasSuffix(".safetensors") ? "model.safetensors" : "pytorch_model.bin"
    }

    private static func has(_ name: String, _ folder: URL) -> Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: name).path)
    }

    /// Returns whether `config.json` describes a Hugging Face model, and not one of timm.
    ///
    /// A `config.json` of timm has an `architecture` and no `model_type`.
    private static func describesCLIP(_ folder: URL) -> Bool {
        guard let file = try? ModelFile("config.json", in: folder), let json = try? ModelJSON(file) else {
            return has("config.json", folder) && !has("open_clip_config.json", folder)
        }
        return json.object["model_type"] != nil || json.object["vision_config"] != nil
            || json.object["vision_config_dict"] != nil
    }

    /// The error message for a directory without weights: the file names that are expected, and the files that exist.
    var absence: String {
        let expected = "expected \(Self.weightNames.joined(separator: ", ")) or OpenCLIP's \(Self.openCLIPNames[0])"
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
        let similar = files.filter { name in
            [".bin", ".safetensors", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".gguf", ".ckpt", ".npz"].contains {
                name.hasSuffix($0) || name.contains("\($0).")
            }
        }
        guard !similar.isEmpty else {
            let shown = files.prefix(5).joined(separator: ", ")
            return "it has no weights: \(expected), found \(files.isEmpty ? "an empty directory" : shown)"
        }
        let names = similar.prefix(5).joined(separator: ", ") + (similar.count > 5 ? ", …" : "")
        return "it has no weights under a name that is read: \(expected), found \(names)" + hint(similar)
    }

    private func hint(_ names: [String]) -> String {
        if names.contains(where: { $0.contains("-of-") }) {
            return "; shards are read by their index, which is missing (model.safetensors.index.json)"
        }
        if names.contains(where: { $0.hasSuffix(".h5") || $0.hasSuffix(".msgpack") || $0.hasSuffix(".onnx") }) {
            return "; weights of TensorFlow, Flax and ONNX are not read: save PyTorch's or safetensors'"
        }
        if let epoch = names.first(where: { $0.hasPrefix("pytorch_model.bin.") }) {
            return "; CLIP4Clip saves one file for each epoch: name it, or rename it to pytorch_model.bin (\(epoch))"
        }
        return names.count == 1 ? "; name the file itself to take it" : ""
    }
}
