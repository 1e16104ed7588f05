import CPlatform
import Foundation
import SystemSupport

/// Restricts a daemon's GStreamer to the plugins of the system.
///
/// GStreamer also searches the home directory and directories from the environment, and some of its plugins search for
/// plugins of their own. Otherwise, a file that a pipeline writes there would be loaded at the next start.
package enum PluginSearch {
    /// The variables that are removed: they name more directories, or another program that inspects plugins.
    package static let forgotten = [
        "GST_PLUGIN_PATH", "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH", "GST_PLUGIN_SCANNER",
        "GST_PLUGIN_SCANNER_1_0",
        "GST_REGISTRY_UPDATE", "GIO_EXTRA_MODULES", "GIO_MODULE_DIR",
    ]
    /// The variables that are set to a path that cannot exist: unset, they would mean the home directory.
    package static let nowhere = ["FREI0R_PATH", "LADSPA_PATH", "LV2_PATH"]
    /// A path that no file can have, since a device is no directory; GStreamer then inspects the plugins anew.
    static let noFile = "/dev/null/none"

    /// Leaves only the directory that GStreamer was installed with.
    ///
    /// Call it before GStreamer is started, and before other threads read the environment. A registry that another user
    /// can write to is not read.
    package static func confine() {
        forgotten.forEach { unsetenv($0) }
        nowhere.forEach { setenv($0, noFile, 1) }
        if let folder = systemPlugins { setenv("GST_PLUGIN_SYSTEM_PATH_1_0", folder, 1) }
        if !isTrusted(registry) {
            unsetenv("GST_REGISTRY")
            setenv("GST_REGISTRY_1_0", noFile, 1)
        }
    }

    /// The plugin directory beside the GStreamer library of this process; nil if it does not exist.
    static var systemPlugins: String? {
        guard let name = ww_library_of("gst_init_check"), let path = realpath(name, nil) else { return nil }
        defer { free(path) }
        let folder = URL(filePath: String(cString: path)).deletingLastPathComponent().appending(path: "gstreamer-1.0")
            .path
        return FileManager.default.fileExists(atPath: folder) ? folder : nil
    }

    /// The registry's file in the environment; nil if it names none.
    private static var registry: String? {
        let environment = ProcessInfo.processInfo.environment
        return environment["GST_REGISTRY_1_0"] ?? environment["GST_REGISTRY"]
    }

    /// Whether no other user can have written a registry; GStreamer trusts its content, pointers included.
    private static func isTrusted(_ path: String?) -> Bool {
        guard let path else { return isTrustedCache }
        return isOwn(path)
    }

    /// Whether the registry's default place, GLib's cache directory, is trusted.
    private static var isTrustedCache: Bool {
        let environment = ProcessInfo.processInfo.environment
        guard let cache = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map({ $0 + "/.cache" }) else {
            return true
        }
        let folder = cache + "/gstreamer-1.0"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return isOwn(folder) && names.allSatisfy { isOwn("\(folder)/\($0)") }
    }

    private static func isOwn(_ path: String) -> Bool {
        guard PathTrust.problem(path) == nil else { return false }
        var status = stat()
        guard stat(path, &status) == 0 else { return true }
        return PathTrust.isOwn(status, orRoot: true)
    }
}
