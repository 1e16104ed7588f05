import CGStreamer
import Foundation
import StreamSources

/// Sets what a parsed pipeline opens, as a property and never as launch text, and checks it against a policy.
enum PipelineSource {
    typealias Element = UnsafeMutablePointer<GstElement>

    /// Sets what the pipeline's element `source` opens, and checks the elements of a client's launch line.
    ///
    /// It must be called before the pipeline's state changes, while none of its elements has opened anything.
    static func prepare(
        _ pipeline: Element, _ recipe: PipelineTemplates.Recipe, _ policy: SourcePolicy?, _ shown: String
    ) throws(SourceError) {
        if let uri = recipe.uri, let source = ww_bin_get(pipeline, "source") {
            defer { gst_object_unref(source) }
            try set(source, try pinned(uri, policy, shown), recipe.template, shown)
        }
        guard let policy else { return }
        if !policy.playlists { ww_keep_to_one_uri(pipeline) }
        if recipe.template == "custom" { try checkElements(pipeline, policy, shown) }
    }

    /// Sets a URI on a source element, by its property `pattern`, `device` or `uri`, or by GstURIHandler.
    private static func set(
        _ source: Element, _ uri: String, _ template: String, _ shown: String
    ) throws(SourceError) {
        let scheme = SourceURI.scheme(uri)
        let location = uri.range(of: "://").map { String(uri[$0.upperBound...]) } ?? uri
        var error: UnsafeMutablePointer<GError>?
        defer { g_clear_error(&error) }
        if scheme == "test", ww_has_property(source, "pattern") != 0 {
            guard ww_set_choice(source, "pattern", location) != 0 else {
                throw SourceError("\(shown): there is no such test picture; there are ball, smpte, snow and others")
            }
        } else if scheme == "v4l2", ww_has_property(source, "device") != 0 {
            ww_set_text(source, "device", location)
        } else if ww_has_property(source, "uri") != 0 {
            ww_set_text(source, "uri", uri)
        } else if let scheme, ww_takes_scheme(source, scheme) != 0 {
            guard ww_set_uri(source, uri, &error) != 0 else {
                let why = error.map { String(cString: $0.pointee.message) } ?? "unknown error"
                throw SourceError("\(shown): GStreamer does not take the URI: \(why)")
            }
        } else {
            throw SourceError(
                "\(shown): template \"\(template)\": its element called source opens no \(scheme ?? "file")://")
        }
    }

    /// Replaces the host of an SRT URI by its address, after the policy has checked that address.
    ///
    /// SRT resolves hosts itself, so its connections cannot be checked otherwise. Other URIs are returned unchanged,
    /// and without a policy all are.
    private static func pinned(_ uri: String, _ policy: SourcePolicy?, _ shown: String) throws(SourceError) -> String {
        guard let policy, SourceURI.scheme(uri) == "srt", let parts = try? StrictURI(uri),
            NetworkAddress(parts.host) == nil
        else { return uri }
        let found = HostLookup.addresses(parts.host)
        guard let address = found.first else { throw SourceError("\(shown): the name \(parts.host) is not known") }
        guard found.allSatisfy({ policy.allows($0) }) else {
            throw SourceError("\(shown): the name leads to an address that clients may not reach")
        }
        return parts.with(host: address.text, user: parts.user)
    }

    // MARK: Launch lines of clients

    /// The source elements that a client may use in a launch line; what each of them opens is checked too.
    private static let sources: Set<String> = [
        "rtspsrc", "souphttpsrc", "srtsrc", "rtmp2src", "udpsrc", "tcpclientsrc", "v4l2src", "videotestsrc", "filesrc",
        "uridecodebin", "urisourcebin",
    ]

    private static func checkElements(
        _ pipeline: Element, _ policy: SourcePolicy, _ shown: String
    ) throws(SourceError) {
        let elements = ww_list_elements(pipeline)
        defer { ww_free_elements(elements) }
        var next = elements
        var refusal: String?
        while let entry = next, refusal == nil {
            refusal = ww_element_of(entry).flatMap { problem($0, policy) }
            next = UnsafeMutablePointer(entry.pointee.next)
        }
        if let refusal { throw SourceError("\(shown): launch: \(SourceURI.redacted(refusal))") }
    }

    /// Returns the reason why a client's launch line may not use an element; nil if it may.
    ///
    /// Forbidden elements write, listen, run code, or open something that is not checked.
    private static func problem(_ element: Element, _ policy: SourcePolicy) -> String? {
        let name = String(cString: ww_factory_name(element))
        if sources.contains(name) { return sourceProblem(element, name, policy) }
        guard ww_only_looks(element) != 0 else { return "clients may not use the element \(name)" }
        guard let property = ww_names_file(element) else { return nil }
        return "clients may not set \(String(cString: property)) of \(name)"
    }

    private static func sourceProblem(_ element: Element, _ name: String, _ policy: SourcePolicy) -> String? {
        do throws(SourcePolicy.Refusal) {
            switch name {
            case "filesrc": try policy.checkPath(text(element, "location"))
            case "v4l2src": try policy.check("v4l2://" + text(element, "device"))
            case "tcpclientsrc": try policy.checkHost(text(element, "host"))
            case "udpsrc": try policy.check("udp://" + text(element, "address"))
            case "videotestsrc": break
            default:
                let property = ww_has_property(element, "uri") != 0 ? "uri" : "location"
                let uri = text(element, property)
                guard SourceURI.scheme(uri) != nil else {
                    throw .init("\(name): expected \(property)= and a URI that can be opened")
                }
                try policy.check(uri)
                for proxy in ["proxy", "download", "suburi"] where !["", "false"].contains(text(element, proxy)) {
                    throw .init("\(name): clients may not set \(proxy)")
                }
            }
            return nil
        } catch {
            return error.reason
        }
    }

    private static func text(_ element: Element, _ property: String) -> String {
        guard let text = ww_copy_text(element, property) else { return "" }
        defer { g_free(text) }
        return String(cString: text)
    }
}
