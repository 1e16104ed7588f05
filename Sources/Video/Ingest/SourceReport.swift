package import CGStreamer

/// An error or warning of GStreamer: its code, its message, and its debug text, which often has the cause.
package struct SourceReport: Equatable {
    package enum Domain: Equatable { case core, resource, stream, parse, other }

    let domain: Domain
    let code: UInt32
    let sentence: String
    let debug: String
    /// The status code of an RTSP or HTTP server's answer, such as 404; nil if there was no answer.
    let status: Int?

    package init(_ domain: Domain, _ code: UInt32, _ sentence: String, debug: String = "", status: Int? = nil) {
        (self.domain, self.code, self.sentence, self.debug, self.status) = (domain, code, sentence, debug, status)
    }

    /// Reads an error from a bus message; for a warning, `parse` is `gst_message_parse_warning`.
    package init(
        _ message: UnsafeMutablePointer<GstMessage>,
        _ parse: (
            UnsafeMutablePointer<GstMessage>?, UnsafeMutablePointer<UnsafeMutablePointer<GError>?>?,
            UnsafeMutablePointer<UnsafeMutablePointer<gchar>?>?
        ) -> Void = gst_message_parse_error
    ) {
        var error: UnsafeMutablePointer<GError>?
        var debug: UnsafeMutablePointer<gchar>?
        parse(message, &error, &debug)
        defer {
            g_clear_error(&error)
            g_free(debug)
        }
        let domains = [
            (gst_core_error_quark(), Domain.core), (gst_resource_error_quark(), .resource),
            (gst_stream_error_quark(), .stream), (gst_parse_error_quark(), .parse),
        ]
        let quark = error?.pointee.domain
        domain = domains.first { $0.0 == quark }?.1 ?? .other
        code = error.flatMap { UInt32(exactly: $0.pointee.code) } ?? 0
        sentence = error.map { String(cString: $0.pointee.message) } ?? "unknown error"
        self.debug = debug.map { String(cString: $0) } ?? ""
        status = Self.status(message)
    }

    private static func status(_ message: UnsafeMutablePointer<GstMessage>) -> Int? {
        guard ww_message_type(message) == GST_MESSAGE_ERROR else { return nil }
        var details: UnsafePointer<GstStructure>?
        gst_message_parse_error_details(message, &details)
        guard let details else { return nil }
        var status: guint = 0
        for name in ["rtsp-status-code", "http-status-code"] where gst_structure_get_uint(details, name, &status) != 0 {
            return Int(status)
        }
        return nil
    }

    package func isResource(_ codes: GstResourceError...) -> Bool {
        domain == .resource && codes.contains { $0.rawValue == code }
    }

    func isStream(_ codes: GstStreamError...) -> Bool { domain == .stream && codes.contains { $0.rawValue == code } }

    /// True if the warning only says that a track of the source does not fit the launch line, such as its sound.
    var isDelayedLink: Bool { domain == .parse && code == GST_PARSE_ERROR_DELAYED_LINK.rawValue }

    /// True if the cause is the source's data, and not the connection or this machine.
    var isOfContent: Bool { domain == .stream || domain == .core && code == GST_CORE_ERROR_MISSING_PLUGIN.rawValue }

    /// The operating system's error text in the debug text, such as "Permission denied"; nil if there is none.
    package var systemError: String? {
        debug.split(separator: "\n").last { $0.hasPrefix("system error: ") }.map { String($0.dropFirst(14)) }
    }

    /// The last line of GStreamer's debug text.
    var detail: String? { debug.split(separator: "\n").last.map(String.init) }

    /// GStreamer's own error message, with the last line of its debug text if the message is too general.
    package var plain: String {
        guard sentence.contains("data stream error"), let detail else { return sentence }
        return "\(sentence) (\(detail))"
    }
}
