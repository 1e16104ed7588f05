import Foundation
import Yams

/// A configuration that was refused: file, line, and what to do.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let line: Int?
    package let reason: String

    package init(path: String, line: Int?, reason: String) {
        self.path = path
        self.line = line
        self.reason = reason
    }

    package var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}

/// A YAML mapping with errors that name key, line and what was expected; knows which keys were asked for.
struct YAMLMapping {
    let path: String
    private let entries: [(key: String, value: Node, line: Int?)]
    private let what: String
    let line: Int?

    init(_ node: Node, path: String, what: String, keys: [String]) throws(ConfigurationError) {
        self.path = path
        self.what = what
        line = node.mark?.line
        guard let mapping = node.mapping else {
            throw ConfigurationError(
                path: path, line: node.mark?.line, reason: "\(what): expected keys and values, found \(Self.name(node))"
            )
        }
        var entries: [(String, Node, Int?)] = []
        for (key, value) in mapping {
            guard let name = key.string else {
                throw ConfigurationError(path: path, line: key.mark?.line, reason: "\(what): a key must be a word")
            }
            guard keys.contains(name) else {
                let near = keys.map { (key: $0, distance: editDistance($0, name)) }.min { $0.distance < $1.distance }
                let hint =
                    if let near, near.distance <= max(2, name.count / 3) {
                        "did you mean \"\(near.key)\"?"
                    } else {
                        "known keys: \(keys.sorted().joined(separator: ", "))"
                    }
                throw ConfigurationError(
                    path: path, line: key.mark?.line, reason: "unknown key \"\(name)\" in \(what); \(hint)")
            }
            entries.append((name, value, key.mark?.line))
        }
        self.entries = entries.map { (key: $0.0, value: $0.1, line: $0.2) }
    }

    /// Parses a document.
    ///
    /// An empty one is an empty mapping.
    static func compose(_ text: String, path: String) throws(ConfigurationError) -> Node {
        do {
            return try Yams.compose(yaml: text) ?? Node.mapping(Node.Mapping([]))
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                throw ConfigurationError(path: path, line: mark.line, reason: "this is not YAML: \(problem)")
            case .duplicatedKeysInMapping(let duplicates, let context):
                let keys = duplicates.map { "\($0)" }.joined(separator: ", ")
                throw ConfigurationError(path: path, line: context.mark.line, reason: "keys stand twice: \(keys)")
            default: throw ConfigurationError(path: path, line: nil, reason: "this is not YAML: \(error)")
            }
        } catch {
            throw ConfigurationError(path: path, line: nil, reason: "this is not YAML: \(error)")
        }
    }

    private func entry(_ key: String) -> (value: Node, line: Int?)? {
        entries.first { $0.key == key }.flatMap { $0.value.null != nil ? nil : ($0.value, $0.line) }
    }

    func failure(_ key: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(path: path, line: entry(key)?.line ?? line, reason: "\(key): \(reason)")
    }

    private func wrong(_ key: String, _ expected: String, _ node: Node) -> ConfigurationError {
        failure(key, "expected \(expected), found \(Self.name(node))")
    }

    func node(_ key: String) -> Node? { entry(key)?.value }

    func string(_ key: String) throws(ConfigurationError) -> String? {
        guard let (node, _) = entry(key) else { return nil }
        guard let scalar = node.scalar else { throw wrong(key, "a text", node) }
        return scalar.string
    }

    func required(_ key: String) throws(ConfigurationError) -> String {
        guard let value = try string(key) else {
            throw ConfigurationError(path: path, line: line, reason: "\(what): \"\(key)\" is missing")
        }
        return value
    }

    func double(_ key: String) throws(ConfigurationError) -> Double? {
        guard let (node, _) = entry(key) else { return nil }
        guard let value = node.float ?? node.int.map(Double.init), value.isFinite else {
            throw wrong(key, "a number", node)
        }
        return value
    }

    func integer(_ key: String) throws(ConfigurationError) -> Int? {
        guard let (node, _) = entry(key) else { return nil }
        guard let value = node.int else { throw wrong(key, "a whole number", node) }
        return value
    }

    func bool(_ key: String) throws(ConfigurationError) -> Bool? {
        guard let (node, _) = entry(key) else { return nil }
        guard let value = node.bool else { throw wrong(key, "true or false", node) }
        return value
    }

    func list(_ key: String) throws(ConfigurationError) -> [Node]? {
        guard let (node, _) = entry(key) else { return nil }
        guard let sequence = node.sequence else { throw wrong(key, "a list", node) }
        return Array(sequence)
    }

    /// A list of texts; one text alone stands for a list of one.
    func strings(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let (node, _) = entry(key) else { return nil }
        if let one = node.scalar { return [one.string] }
        guard let items = node.sequence else { throw wrong(key, "a list of texts", node) }
        var texts: [String] = []
        for item in items {
            guard let text = item.scalar?.string else { throw wrong(key, "a list of texts", item) }
            texts.append(text)
        }
        return texts
    }

    private static func name(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar): "the text \"\(scalar.string.prefix(40))\""
        case .mapping: "keys and values"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}

/// Letters to change, add or remove to make one word of the other (Levenshtein).
func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var row = Array(0...b.count)
    for i in 0..<a.count {
        var diagonal = row[0]
        row[0] = i + 1
        for j in 0..<b.count {
            let change = diagonal + (a[i] == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(change, row[j + 1] + 1, row[j] + 1)
        }
    }
    return row[b.count]
}
