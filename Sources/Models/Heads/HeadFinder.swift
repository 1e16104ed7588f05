import Foundation
import SystemSupport

/// A plugin file in a plugin directory, not yet opened.
package struct HeadFile: Sendable, Equatable {
    /// The name of the file.
    package let name: String
    package let path: String
    /// The file of the same name in a directory that is searched before: it is the one that loads.
    package let shadowedBy: String?

    package init(name: String, path: String, shadowedBy: String?) {
        self.name = name
        self.path = path
        self.shadowedBy = shadowedBy
    }
}

/// The plugin directories, searched in order: `WATCHWORD_PLUGIN_PATH`, beside the executable,
/// `/usr/lib/watchword/heads`.
package struct HeadFinder: Sendable {
    package let directories: [String]

    package init(directories: [String]) { self.directories = directories }

    /// The standing search path, after directories a configuration names.
    package static func standard(first: [String] = []) -> HeadFinder {
        let variable = ProcessInfo.processInfo.environment["WATCHWORD_PLUGIN_PATH"] ?? ""
        let executable = ProcFile.executable ?? ""
        let beside = URL(filePath: executable).deletingLastPathComponent().path
        return HeadFinder(
            directories: first + variable.split(separator: ":").map(String.init) + [beside, "/usr/lib/watchword/heads"])
    }

    /// All plugin files, in the order of the search; a directory that is named twice counts once.
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

    /// Names of all plugins in the directories; the first directory wins.
    package var names: [String] { Set(files.map(\.name)).sorted() }

    /// The file that a name means.
    ///
    /// A name that is no name, such as a path, is refused before any file is looked at.
    package func file(_ name: String) throws(HeadError) -> HeadFile {
        guard Identifier.isHead(name) else { throw HeadError(path: name, reason: .badName) }
        guard let file = files.first(where: { $0.name == name }) else {
            throw HeadError(path: name, reason: .notFound(known: names, searched: directories))
        }
        return file
    }

    /// Loads a head by name.
    package func load(_ name: String) throws(HeadError) -> HeadLibrary { try open(try file(name)) }

    /// Opens a plugin file; one that calls itself by another file's name is refused with both paths.
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
