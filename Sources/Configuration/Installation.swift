package import Foundation
import SystemSupport

/// Finds Watchword's own files: at a path from the environment, in the sources it was built from, or installed.
package enum Installation {
    package static var pipelines: URL {
        find("WATCHWORD_PIPELINES", inSources: "Pipelines", installed: "/usr/share/watchword/pipelines")
    }

    /// The directory of the model that Watchword includes.
    package static var model: URL {
        find("WATCHWORD_MODEL", inSources: "Models/shapes", installed: "/usr/share/watchword/models/shapes")
    }

    /// The directory of the web page's files.
    package static var page: URL {
        find("WATCHWORD_PAGE", inSources: "Page", installed: "/usr/share/watchword/page")
    }

    private static func find(_ variable: String, inSources relative: String, installed: String) -> URL {
        if let path = ProcessInfo.processInfo.environment[variable] { return URL(filePath: path) }
        return inSources(relative) ?? URL(filePath: installed)
    }

    /// Returns a file or directory of the sources from which the executable was built; nil if there are none.
    package static func inSources(_ relative: String) -> URL? {
        let executable = ProcFile.executable ?? "/"
        var folder = URL(filePath: executable).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: relative)
            // If a build is in /tmp, everybody may create files near it.
            if FileManager.default.fileExists(atPath: candidate.path), PathTrust.problem(candidate.path) == nil {
                return candidate
            }
            folder = folder.deletingLastPathComponent()
        }
        return nil
    }
}
