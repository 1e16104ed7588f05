import CGStreamer
import Foundation
package import StreamSources

/// The GStreamer library as loaded in this process.
package enum GStreamer {
    private static let outcome: String? = {
        var error: UnsafeMutablePointer<GError>?
        guard gst_init_check(nil, nil, &error) == 0 else {
            DecoderRanks.apply()
            return nil
        }
        defer { g_clear_error(&error) }
        return error.map { String(cString: $0.pointee.message) } ?? "unknown error"
    }()

    /// Initializes GStreamer at the first call; throws if that fails or has failed.
    package static func initialize() throws(SourceError) {
        if let outcome { throw SourceError("GStreamer cannot start: \(outcome)") }
    }

    package static var version: String {
        guard let text = gst_version_string() else { return "?" }
        defer { g_free(text) }
        return String(cString: text)
    }

    /// Returns true if a GStreamer element of this name can be created; the command `doctor` calls this.
    package static func hasElement(_ name: String) -> Bool {
        guard (try? initialize()) != nil, let factory = gst_element_factory_find(name) else { return false }
        ww_unref_factory(factory)
        return true
    }
}
