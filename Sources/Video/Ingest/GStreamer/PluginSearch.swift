import CPlatform
import Foundation
import SystemSupport

/// Makes GStreamer in the daemon load only the plugins that were installed with it.
///
/// GStreamer also searches the home directory and directories named in the environment, and some plugins search for
/// plugins of their own. A file that a pipeline wrote there would otherwise be loaded at the next start.
package enum PluginSearch {
    /// The environment variables that are removed: they name more plugin directories, or another plugin scanner.
    package static let forgotten = [
        "GST_PLUGIN_PATH", "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH", "GST_PLUGIN_SCANNER",
        "GST_PLUGIN_SCANNER_1_0",
        "GST_REGISTRY_UPDATE", "GIO_EXTRA_MODULES", "GIO_MODULE_DIR",
    ]
    /// The environment variables set to an impossible path: without them, the home directory would be searched.
    package static let nowhere = ["FREI0R_PATH", "LADSPA_PATH", "LV2_PATH"]
    /// A path that no file can have, since a device is no directory; as registry it makes GStreamer read plugins anew.
    static let noFile = "/dev/null/none"

    /// Restricts GStreamer to the plugin directory that it was installed with, by setting environment variables.
    ///
    /// It must be called before GStreamer is initialized, and before other threads read the environment. A plugin
    /// registry that another user can write to is not used.
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

    /// The file of GStreamer's plugin registry that the environment names; nil if it names none.
    private static var registry: String? {
        let environment = ProcessInfo.processInfo.environment
        return environment["GST_REGISTRY_1_0"] ?? environment["GST_REGISTRY"]
    }

    /// Returns true if no other user can have written the plugin registry; nil means the one in the cache directory.
    ///
    /// GStreamer trusts the registry's content, even pointers in it.
    private static func isTrusted(_ path: String?) -> Bool {
        guard let path else { return isTrustedCache }
        return isOwn(path)
    }

    /// True if no other user can have written GStreamer's registry in the cache directory.
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
