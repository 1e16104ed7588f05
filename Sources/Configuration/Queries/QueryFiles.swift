package import Foundation
import WireFormat
import Yams

/// Files of queries: YAML for people, JSON Lines for many queries.
///
/// JSON Lines have one query per line. YAML is a list of queries, or a mapping with the key `queries`. A file is read
/// as JSON Lines, whatever its name, if it begins with `{` and its first line is a complete JSON object.
extension QueryConfiguration {
    /// Reads a YAML list of queries; queries without an id keep none.
    static func list(_ nodes: [Node], path: String, folder: URL? = nil) throws(ConfigurationError)
        -> [QueryConfiguration]
    {
        var queries: [QueryConfiguration] = []
        queries.reserveCapacity(nodes.count)
        for node in nodes {
            queries.append(
                try QueryConfiguration(node, path: path, line: node.line, folder: folder ?? Self.folder(of: path)))
        }
        return queries
    }

    private static func folder(of path: String) -> URL { URL(filePath: path).deletingLastPathComponent() }

    /// Reads the queries of a YAML or JSON Lines file.
    package static func load(_ path: String) throws(ConfigurationError) -> [QueryConfiguration] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(path: path, line: nil, reason: "the file of queries cannot be read")
        }
        return try read(data, path: path, folder: folder(of: path))
    }

    /// Reads queries from a file's bytes; `path` is its name in errors, and pictures' paths are relative to `folder`.
    package static func read(
        _ data: Data, path: String, folder: URL
    ) throws(ConfigurationError) -> [QueryConfiguration] {
        let text = try TextFile.utf8(data, path: path)
        if isJSONLines(text) { return try lines(text, path: path, folder: folder) }
        let node = try YAMLMapping.compose(String(decoding: text, as: UTF8.self), path: path)
        if let items = node.items { return try list(items, path: path, folder: folder) }
        let mapping = try YAMLMapping(node, path: path, what: "the file", keys: ["queries"])
        return try list(mapping.list("queries") ?? [], path: path, folder: folder)
    }

    private static func isJSONLines(_ data: Data) -> Bool {
        let text = data.drop { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: " ") }
        guard text.first == UInt8(ascii: "{") else { return false }
        // `{queries: […]}` is YAML, and so is a JSON document of several lines.
        guard let first = try? JSONText.parse(text.prefix { $0 != UInt8(ascii: "\n") }) else { return false }
        return first["queries"] == nil
    }

    private static func lines(
        _ data: Data, path: String, folder: URL
    ) throws(ConfigurationError) -> [QueryConfiguration] {
        var queries: [QueryConfiguration] = []
        var number = 0
        for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            let value: JSONValue
            do {
                value = try JSONText.parse(line)
            } catch {
                throw ConfigurationError(path: path, line: number, reason: "this line is not JSON: \(error)")
            }
            queries.append(try QueryConfiguration(value, path: path, line: number, folder: folder))
        }
        return queries
    }

    /// Returns the queries as JSON Lines, one query per line.
    package static func jsonLines(_ queries: [QueryConfiguration]) throws -> Data {
        var data = Data()
        for query in queries {
            data += try WireCoding.encode(query)
            data.append(UInt8(ascii: "\n"))
        }
        return data
    }

    /// Returns the queries as a YAML list, with keys in the order of `keys`.
    package static func yaml(_ queries: [QueryConfiguration]) throws -> String {
        guard !queries.isEmpty else { return "[]\n" }
        var text = ""
        for query in queries {
            for (index, entry) in QueryKey.all.compactMap({ $0.entry(of: query) }).enumerated() {
                text += "\(index == 0 ? "- " : "  ")\(entry.name): \(try YAMLText.flow(entry.value))\n"
            }
        }
        return text
    }
}
