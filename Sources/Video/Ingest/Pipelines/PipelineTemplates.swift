import CGStreamer
package import Foundation
package import StreamSources
import SystemSupport

/// The GStreamer launch lines of the files `Pipelines/*.gst`, by their names; there is one for each kind of source.
package struct PipelineTemplates: Sendable {
    private let lines: [String: String]
    package var names: [String] { lines.keys.sorted() }

    /// Reads every `.gst` file of a directory; lines in it that begin with `#` are comments.
    package init(directory: URL) throws(SourceError) {
        // A template can run any element, so nobody else may be able to change it.
        if let problem = PathTrust.problem(directory.path) { throw SourceError(problem) }
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: directory.path) else {
            throw SourceError("\(directory.path): there is no directory of pipeline templates")
        }
        var lines: [String: String] = [:]
        for file in files where file.hasSuffix(".gst") {
            let path = directory.appending(path: file).path
            if let problem = PathTrust.problem(path) { throw SourceError(problem) }
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw SourceError("\(directory.path)/\(file): the pipeline template cannot be read")
            }
            lines[String(file.dropLast(4))] = text.split(separator: "\n")
                .filter { !$0.drop { $0 == " " }.hasPrefix("#") }.joined(separator: " ")
        }
        guard !lines.isEmpty else {
            throw SourceError("\(directory.path): there is no pipeline template (*.gst) in it")
        }
        self.lines = lines
    }

    /// A launch line and the URI that its source opens; neither is ever shown, as both may contain secrets.
    package struct Recipe: Sendable {
        package let template: String
        package let line: String
        /// The URI to set on the launch line's element `source`; nil if the launch line contains it already.
        package let uri: String?
    }

    /// Returns the launch line and URI of a source, with its credentials put in; throws if it cannot be opened.
    package func recipe(
        _ source: SourceDescription, credentials: SourceCredentials? = nil
    ) throws(SourceError) -> Recipe {
        let shown = SourceURI.redacted(source.uri)
        let name = source.template ?? usual(for: source)
        guard let line = lines[name] else {
            throw SourceError(
                "\(shown): there is no pipeline template \"\(name)\"; there are: \(names.joined(separator: ", "))")
        }
        var uri = source.uri
        if name != "custom", SourceURI.scheme(uri) ?? "file" == "file" {
            let path = try Self.file(uri, shown)
            // A session description (SDP) names the streams to receive; GStreamer opens it by its own scheme.
            uri = path.text.lowercased().hasSuffix(".sdp") ? "sdp://" + path.text : path.uri
        } else if name == "file", let scheme = SourceURI.scheme(source.uri), let problem = Self.problem(scheme) {
            throw SourceError("\(shown): \(problem)")
        }
        if let transport = RTSPTransport.of(source), name != "custom" { uri = transport.uri(uri) }
        if let credentials { uri = try credentials.filled(into: uri, hosts: source.credentialHosts) }
        guard name == "custom" || line.contains("{uri}") || line.contains("{location}") else {
            return Recipe(template: name, line: line, uri: uri)
        }
        guard name != "custom" || source.launch != nil else {
            throw SourceError(
                "\(shown): template \"custom\" needs a launch line that ends in an appsink called frames")
        }
        return Recipe(template: name, line: try Self.filled(line, uri, launch: source.launch, shown), uri: nil)
    }

    /// Returns the reason why URIs of a scheme cannot be opened; nil if they can.
    private static func problem(_ scheme: String) -> String? {
        if ["whep", "wheps", "webrtc", "webrtcs"].contains(scheme) {
            return "WebRTC (\(scheme)://) is not taken; have its server give the stream as RTSP, SRT, RTMP or HLS too"
        }
        guard (try? GStreamer.initialize()) != nil, gst_uri_protocol_is_supported(GST_URI_SRC, scheme) == 0 else {
            return nil
        }
        return "nothing here opens \(scheme.prefix(40))://; there are rtsp, rtsps, http, https, srt, rist, udp, rtmp, "
            + "sdp, file, v4l2, test and shapes"
    }

    /// Replaces `{uri}`, `{location}` and `{launch}` in a launch line, once: replacements are not searched again.
    ///
    /// A URI with characters that could end a word of the launch line is an error. The author of a custom launch line
    /// is responsible for what it runs.
    private static func filled(
        _ line: String, _ uri: String, launch: String?, _ shown: String
    ) throws(SourceError) -> String {
        let location = uri.range(of: "://").map { String(uri[$0.upperBound...]) } ?? uri
        var values = ["{uri}": uri, "{location}": location]
        let used = values.keys.filter { (launch ?? line).contains($0) }
        for key in used where values[key]?.utf8.allSatisfy(isSafe) != true {
            throw SourceError(
                "\(shown): a character in it cannot stand for \(key) in a pipeline template; "
                    + "call the template's element name=source instead, or write the character as %20 and the like"
            )
        }
        values = values.mapValues { "\"\($0)\"" }
        guard let launch else { return replaced(line, values) }
        return replaced(line, ["{launch}": replaced(launch, values)])
    }

    private static func replaced(_ text: String, _ values: [String: String]) -> String {
        var (done, rest) = ("", text[...])
        while let open = rest.firstIndex(of: "{") {
            done += rest[..<open]
            rest = rest[open...]
            let found = values.first { rest.hasPrefix($0.key) }
            done += found?.value ?? "{"
            rest = rest.dropFirst(found?.key.count ?? 1)
        }
        return done + rest
    }

    /// Returns true if a byte of a URI cannot end or change a word of a launch line.
    private static func isSafe(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"\"\\'!<>`{}|^".utf8.contains(byte)
    }

    /// Returns the path of a source that is a local file; throws if it cannot be played.
    private static func file(_ uri: String, _ shown: String) throws(SourceError) -> SourcePath {
        guard let path = SourcePath(uri) else {
            throw SourceError("\(shown): expected file:///path, found a path of another machine; mount it here")
        }
        try PlayableFile.check(path, shown: shown)
        return path
    }

    /// Returns the name of the template for a source that names none.
    ///
    /// A template that is missing in an older directory is replaced by a more general one.
    private func usual(for source: SourceDescription) -> String {
        let name = Self.template(for: source)
        switch name {
        case "snapshot" where lines[name] == nil: return SourceURI.file(source.uri) == nil ? "http" : "file"
        case "rtsp" where lines[PacketFeed.template] != nil && PacketFeed.takes(source): return PacketFeed.template
        default: return name
        }
    }

    /// Returns the launch line and URI to use if those of `recipe` turn out to be wrong; nil if there are none.
    ///
    /// It is for an HTTP server that sends a picture where a stream was expected, or the reverse, and for an RTSP
    /// camera that `PacketFeed` cannot receive.
    func otherRecipe(
        than recipe: Recipe, _ source: SourceDescription, credentials: SourceCredentials?
    ) -> Recipe? {
        if recipe.template == PacketFeed.template {
            var other = source
            other.template = "rtsp"
            return try? self.recipe(other, credentials: credentials)
        }
        guard source.template == nil, source.clip == nil, ["http", "https"].contains(SourceURI.scheme(source.uri))
        else { return nil }
        var other = source
        other.template = recipe.template == "snapshot" ? "http" : "snapshot"
        return try? self.recipe(other, credentials: credentials)
    }

    static func template(for source: SourceDescription) -> String {
        if source.launch != nil { return "custom" }
        if isSnapshot(source) { return "snapshot" }
        return switch SourceURI.scheme(source.uri) {
        case "rtsp", "rtspu", "rtspt", "rtsph", "rtsps", "rtspsu", "rtspst", "rtspsh": "rtsp"
        case "http", "https": "http"
        case "rtmp", "rtmps": "rtmp"
        case "v4l2": "v4l2"
        case "test": "test"
        case "shapes": "shapes"
        default: "file"
        }
    }

    /// Returns true if a source is a single picture by its file extension: at an HTTP address, or in a looped file.
    private static func isSnapshot(_ source: SourceDescription) -> Bool {
        guard source.clip == nil, ContentType.isPictureName(source.uri) else { return false }
        return switch SourceURI.scheme(source.uri) {
        case "http", "https": true
        case nil, "file": source.loop
        default: false
        }
    }

    /// Returns a value in quotes, so that a launch line takes it as one word.
    static func quoted(_ value: String) -> String {
        "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
