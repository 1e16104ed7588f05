import CPlatform
package import Foundation
package import SystemSupport

/// Directories that appear whole or not at all: they are filled beside their place, then renamed into it.
package enum StagedDirectory {
    /// Fills a directory through `fill`, then puts it in its place.
    ///
    /// If `fill` throws, nothing is left behind and what was there before is untouched.
    package static func create(
        _ destination: URL, replacing: Bool, fill: (URL) throws -> Void
    ) throws {
        // What a link leads to is filled, and not put into the link's place.
        let destination = destination.resolvingSymlinksInPath()
        try check(destination, replacing: replacing)
        let parent = destination.standardizedFileURL.deletingLastPathComponent()
        // Deepest first: those that are made here go again if they stay empty.
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

    /// Refuses a place that is taken, by a sentence.
    ///
    /// A directory that is replaced must be a model: `--force` with a mistyped path does not cost a home directory.
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

    /// Renames a filled directory into its place, once all of it is on the disk.
    package static func publish(_ staged: URL, as destination: URL, replacing: Bool) throws(WriteError) {
        try check(destination, replacing: replacing)
        try synchronise(staged)
        let parent = destination.standardizedFileURL.deletingLastPathComponent()
        if ww_exchange(staged.path, destination.path) == 0 {
            // Now the old one is at the staged place.
            try? FileManager.default.removeItem(at: staged)
        } else {
            // Nothing to exchange with, or a file system that cannot: an empty directory is renamed over.
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

    /// Every file and directory below, and the directory itself.
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
