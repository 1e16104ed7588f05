import CPlatform
package import Foundation
package import SystemSupport

/// Creates directories that appear complete or not at all: filled under a temporary name, then renamed.
package enum StagedDirectory {
    /// Lets `fill` write a new directory, then renames it to `destination`.
    ///
    /// If `fill` throws, the new directory is removed, and an existing destination is unchanged.
    package static func create(
        _ destination: URL, replacing: Bool, fill: (URL) throws -> Void
    ) throws {
        // Replace the directory that a symbolic link points to, not the link.
        let destination = destination.resolvingSymlinksInPath()
        try check(destination, replacing: replacing)
        let parent = destination.standardizedFileURL.deletingLastPathComponent()
        // Deepest first: parent directories that are created here are removed again if they stay empty.
        let missing = sequence(first: parent) { $0.path == "/" ? nil : $0.deletingLastPathComponent() }
            .prefix { !FileManager.default.fileExists(atPath: $0.path) }
        defer { for folder in missing { rmdir(folder.path) } }
        try makeDirectory(parent)
        let staged = parent.appending(path: ".\(destination.lastPathComponent).\(UUID().uuidString.prefix(8))")
        try makeDirectory(staged)
        defer { try? FileManager.default.removeItem(at: staged) }
        try fill(staged)
        try publish(staged, as: destination, replacing: replacing)
    }

    /// Throws if `destination` is not empty, unless `replacing` is set and it is a model directory.
    ///
    /// The second condition protects other directories from `--force` with a mistyped path.
    package static func check(_ destination: URL, replacing: Bool) throws(WriteError) {
        guard FileManager.default.fileExists(atPath: destination.path) else { return }
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: destination.path) else {
            throw WriteError(destination.path, "it is there already, and is not a directory")
        }
        if entries.isEmpty { return }
        guard replacing else {
            throw WriteError(destination.path, "the directory is not empty; --force replaces it")
        }
        let signs = ["config.json", "model.safetensors", "pytorch_model.bin", "watchword.json"]
        guard signs.contains(where: entries.contains) else {
            throw WriteError(destination.path, "the directory is not a model, so --force does not replace it")
        }
    }

    /// Writes the filled directory `staged` to the disk (`fsync`), then renames it to `destination`.
    package static func publish(_ staged: URL, as destination: URL, replacing: Bool) throws(WriteError) {
        try check(destination, replacing: replacing)
        try synchronise(staged)
        let parent = destination.standardizedFileURL.deletingLastPathComponent()
        if ww_exchange(staged.path, destination.path) == 0 {
            // The exchange moved the old directory to the staged path.
            try? FileManager.default.removeItem(at: staged)
        } else {
            // No destination exists yet, or the file system cannot exchange: move an old directory aside, then rename.
            let aside = staged.appendingPathExtension("old")
            let hadOld = rename(destination.path, aside.path) == 0
            guard rename(staged.path, destination.path) == 0 else {
                let code = errno
                if hadOld { rename(aside.path, destination.path) }
                throw WriteError(destination.path, errno: code)
            }
            try? FileManager.default.removeItem(at: aside)
        }
        try synchronise(entry: parent)
    }

    package static func makeDirectory(_ url: URL) throws(WriteError) {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw WriteError(url.path, (error as NSError).localizedDescription)
        }
    }

    /// Writes a directory and everything below it to the disk (`fsync`).
    private static func synchronise(_ directory: URL) throws(WriteError) {
        for name in FileManager.default.enumerator(atPath: directory.path) ?? .init() {
            guard let name = name as? String else { continue }
            try synchronise(entry: directory.appending(path: name))
        }
        try synchronise(entry: directory)
    }

    private static func synchronise(entry: URL) throws(WriteError) {
        let descriptor = open(entry.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw WriteError(entry.path, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw WriteError(entry.path, errno: errno) }
    }
}
