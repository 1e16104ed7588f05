package import Foundation
import Permissions

/// The launch lines of `Pipelines/*.gst`, by name: one for each kind of source.
package struct PipelineTemplates: Sendable {
    private let lines: [String: String]
    package var names: [String] { lines.keys.sorted() }

    /// Reads every `.gst` file of a directory; lines that begin with `#` are comments.
    package init(directory: URL) throws(SourceError) {
        // What a template says is run.
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

    /// The template a source uses, and its launch line with the source filled in, which is for nobody's eyes.
    func launchLine(
        _ source: SourceDescription, credentials: SourceCredentials? = nil
    ) throws(SourceError) -> (template: String, line: String) {
        let shown = SourceURI.redacted(source.uri)
        let name = source.template ?? Self.template(for: source)
        guard var line = lines[name] else {
            throw SourceError(
                "\(shown): there is no pipeline template \"\(name)\"; there are: \(names.joined(separator: ", "))")
        }
        if name == "custom" {
            guard let launch = source.launch else {
                throw SourceError(
                    "\(shown): template \"custom\" needs a launch line that ends in an appsink called frames")
            }
            line = line.replacing("{launch}", with: launch)
        }
        var uri = source.uri
        if name != "custom", let file = SourceURI.file(source.uri) {
            guard FileManager.default.fileExists(atPath: file) else {
                throw SourceError("\(shown): there is no such file")
            }
            uri = URL(filePath: file).absoluteString
        }
        if let credentials { uri = try credentials.filled(into: uri) }
        let location = source.uri.range(of: "://").map { String(source.uri[$0.upperBound...]) } ?? source.uri
        line = line.replacing("{uri}", with: Self.quoted(uri)).replacing("{location}", with: Self.quoted(location))
        return (name, line)
    }

    static func template(for source: SourceDescription) -> String {
        if source.launch != nil { return "custom" }
        return switch SourceURI.scheme(source.uri) {
        case "rtsp", "rtsps", "rtspt", "rtspu": "rtsp"
        case "http", "https": "http"
        case "v4l2": "v4l2"
        case "test": "test"
        case "shapes": "shapes"
        default: "file"
        }
    }

    /// A value that a launch line takes as one word whatever is in it.
    static func quoted(_ value: String) -> String {
        "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
