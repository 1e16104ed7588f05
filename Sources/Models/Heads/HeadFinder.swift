import Foundation
import SystemSupport

/// A head plugin file that was found in a plugin directory; it has not been opened.
package struct HeadFile: Sendable, Equatable {
    /// The head's name: the NAME in the file name `libwatchword-head-NAME.so`.
    package let name: String
    package let path: String
    /// The path of a plugin of the same name in an earlier directory, which is loaded instead; nil if there is none.
    package let shadowedBy: String?

    package init(name: String, path: String, shadowedBy: String?) {
        self.name = name
        self.path = path
        self.shadowedBy = shadowedBy
    }
}

/// Finds head plugin files in a list of directories, in search order.
package struct HeadFinder: Sendable {
    package let directories: [String]

    package init(directories: [String]) { self.directories = directories }

    /// Returns the standard search path, after the directories `first` that a configuration names.
    ///
    /// It is the environment's `WATCHWORD_PLUGIN_PATH`, the directory of the executable, and
    /// `/usr/lib/watchword/heads`.
    package static func standard(first: [String] = []) -> HeadFinder {
        let variable = ProcessInfo.processInfo.environment["WATCHWORD_PLUGIN_PATH"] ?? ""
        let executable = ProcFile.executable ?? ""
        let beside = URL(filePath: executable).deletingLastPathComponent().path
        return HeadFinder(
            directories: first + variable.split(separator: ":").map(String.init) + [beside, "/usr/lib/watchword/heads"])
    }

    /// All head plugin files in search order; a directory that is listed twice is searched once.
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

    /// The names of all heads in the directories, sorted.
    package var names: [String] { Set(files.map(\.name)).sorted() }

    /// Returns the plugin file of the head `name`: the first one in search order.
    ///
    /// Throws if there is none, or if the name is invalid; a path is invalid, so it never opens a file elsewhere.
    package func file(_ name: String) throws(HeadError) -> HeadFile {
        guard Identifier.isHead(name) else { throw HeadError(plugin: name, reason: .badName) }
        guard let file = files.first(where: { $0.name == name }) else {
            throw HeadError(plugin: name, reason: .notFound(known: names, searched: directories))
        }
        return file
    }

    /// Finds and opens the plugin of the head `name`.
    package func load(_ name: String) throws(HeadError) -> HeadLibrary { try open(try file(name)) }

    /// Opens a plugin file; throws if the plugin's own name differs from the name in its file name.
    package func open(_ file: HeadFile) throws(HeadError) -> HeadLibrary {
        do {
            return try HeadLibrary(path: file.path, expectedName: file.name)
        } catch {
            guard case .wrongName(let name, _) = error.reason, let other = files.first(where: { $0.name == name })
            else { throw error }
            throw HeadError(plugin: file.path, reason: .nameTaken(name, by: other.path))
        }
    }
}
