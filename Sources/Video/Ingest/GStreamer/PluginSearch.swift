import CPlatform
import Foundation
import SystemSupport

/// Restricts a daemon's GStreamer to the plugins of the system.
///
/// GStreamer also looks for plugins in the home directory and wherever the environment says, and some of its plugins
/// do so for plugins of their own. What one pipeline writes there would be loaded at the next start.
package enum PluginSearch {
    /// Variables that name more places, or another program that looks into plugins.
    package static let forgotten = [
        "GST_PLUGIN_PATH", "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH", "GST_PLUGIN_SCANNER",
        "GST_PLUGIN_SCANNER_1_0",
        "GST_REGISTRY_UPDATE", "GIO_EXTRA_MODULES", "GIO_MODULE_DIR",
    ]
    /// Variables that are set to a place that cannot exist: unset, they would mean the home directory.
    package static let nowhere = ["FREI0R_PATH", "LADSPA_PATH", "LV2_PATH"]
    /// A name that no file can have, since a device is no directory: plugins are then looked at anew.
    static let noFile = "/dev/null/none"

    /// Leaves nothing but the directory that GStreamer was installed with.
    ///
    /// To be called before GStreamer is started, and before there are threads that read the environment.
    ///
    /// A registry that another user can write to is not read.
    package static func confine() {
        forgotten.forEach { unsetenv($0) }
        nowhere.forEach { setenv($0, noFile, 1) }
        if let folder = systemPlugins { setenv("GST_PLUGIN_SYSTEM_PATH_1_0", folder, 1) }
        if !isTrusted(registry) {
            unsetenv("GST_REGISTRY")
            setenv("GST_REGISTRY_1_0", noFile, 1)
        }
    }

    /// The plugins' directory beside the library that this process runs; nil if it is none.
    static var systemPlugins: String? {
        guard let name = ww_library_of("gst_init_check"), let path = realpath(name, nil) else { return nil }
        defer { free(path) }
        let folder = URL(filePath: String(cString: path)).deletingLastPathComponent().appending(path: "gstreamer-1.0")
            .path
        return FileManager.default.fileExists(atPath: folder) ? folder : nil
    }

    /// The registry's file, if the environment names it.
    private static var registry: String? {
        let environment = ProcessInfo.processInfo.environment
        return environment["GST_REGISTRY_1_0"] ?? environment["GST_REGISTRY"]
    }

    /// Whether nobody else can have written a registry: it is read as it is, pointers and all.
    private static func isTrusted(_ path: String?) -> Bool {
        guard let path else { return isTrustedCache }
        return isOwn(path)
    }

    /// The registry's usual place: GLib's cache directory.
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
