import Foundation
import SystemSupport

/// A plugin file in a plugin directory, not yet opened.
package struct HeadFile: Sendable, Equatable {
    /// The file's name.
    package let name: String
    package let path: String
    /// The file of the same name in an earlier directory, which is loaded instead; nil if there is none.
    package let shadowedBy: String?

    package init(name: String, path: String, shadowedBy: String?) {
        self.name = name
        self.path = path
        self.shadowedBy = shadowedBy
    }
}

/// The plugin directories in search order: `WATCHWORD_PLUGIN_PATH`, beside the executable, `/usr/lib/watchword/heads`.
package struct HeadFinder: Sendable {
    package let directories: [String]

    package init(directories: [String]) { self.directories = directories }

    /// The standard search path, after the directories that a configuration names.
    package static func standard(first: [String] = []) -> HeadFinder {
        let variable = ProcessInfo.processInfo.environment["WATCHWORD_PLUGIN_PATH"] ?? ""
        let executable = ProcFile.executable ?? ""
        let beside = URL(filePath: executable).deletingLastPathComponent().path
        return HeadFinder(
            directories: first + variable.split(separator: ":").map(String.init) + [beside, "/usr/lib/watchword/heads"])
    }

    /// All plugin files in search order; a directory that is listed twice counts once.
    package var files: [HeadFile] {
        var searched: Set<String> = []
        var first: [String: String] = [:]
        var files: [HeadFile] = []
        for directory in directories
        where searched.insert(URL(filePath: directory).resolvingSymlinksInPath().path).inserted {
            for entry in ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
            where entry.hasPrefix("libwatchword-head-") && entry.hasSuffix(".so") {
                let name = String(entry.dropFirst("libwatchword-head-".count).dropLast(".so".count))
                guard Identifier.isHead(name) else { continue }
                let path = "\(directory)/\(entry)"
                files.append(HeadFile(name: name, path: path, shadowedBy: first[name]))
                first[name] = first[name] ?? path
            }
        }
        return files
    }

    /// Names of all plugins in the directories, sorted.
    package var names: [String] { Set(files.map(\.name)).sorted() }

    /// Returns the plugin file of a name.
    ///
    /// An invalid name, such as a path, is refused before any file is opened.
    package func file(_ name: String) throws(HeadError) -> HeadFile {
        guard Identifier.isHead(name) else { throw HeadError(path: name, reason: .badName) }
        guard let file = files.first(where: { $0.name == name }) else {
            throw HeadError(path: name, reason: .notFound(known: names, searched: directories))
        }
        return file
    }

    /// Loads a head by name.
    package func load(_ name: String) throws(HeadError) -> HeadLibrary { try open(try file(name)) }

    /// Opens a plugin file; throws if the plugin gives itself another name than its file's.
    package func open(_ file: HeadFile) throws(HeadError) -> HeadLibrary {
        do {
            return try HeadLibrary(path: file.path, expectedName: file.name)
        } catch {
            guard case .wrongName(let name, _) = error.reason, let other = files.first(where: { $0.name == name })
            else { throw error }
            throw HeadError(path: file.path, reason: .nameTaken(name, by: other.path))
        }
    }
}
