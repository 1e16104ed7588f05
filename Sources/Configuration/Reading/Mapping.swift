import Matching
import Printing
import StreamSources

/// The error of an invalid configuration or query file: file, line, key and reason.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let line: Int?
    /// The invalid key, such as "streams" or "confirm.need"; nil if the error concerns no single key.
    package let key: String?
    package let reason: String

    package init(path: String, line: Int?, key: String? = nil, reason: String) {
        self.path = path
        self.line = line
        self.key = key
        // The reason quotes the configuration, where a URI may contain a password, or a text may have megabytes.
        self.reason = SourceURI.redacted(reason.excerpt(2000))
    }

    /// Makes an error that concerns the whole configuration, without a file or line.
    package init(whole reason: String) { self.init(path: "", line: nil, reason: reason) }

    package var description: String {
        let place = path.isEmpty ? "" : "\(path)\(line.map { ":\($0)" } ?? ""): "
        return "\(place)\(key.map { "\($0): " } ?? "")\(reason)"
    }
}

/// A value in a YAML or JSON document; each property is nil if the value has another type.
protocol ConfigurationNode {
    var isNull: Bool { get }
    var text: String? { get }
    var number: Double? { get }
    var whole: Int? { get }
    var truth: Bool? { get }
    var items: [Self]? { get }
    /// The keys and values of a mapping, in file order for YAML; a key is nil if it is not text.
    var pairs: [(key: String?, value: Self, line: Int?)]? { get }
    /// The value's line in the file, from 1; nil if it is unknown.
    var line: Int? { get }
    /// The value's type and content, for error messages.
    var name: String { get }
}

/// Reads a mapping of a configuration: errors name key, line and expected value, and unknown keys are errors.
struct Mapping<Node: ConfigurationNode> {
    let path: String
    private let entries: [(key: String, value: Node, line: Int?)]
    private let what: String
    let line: Int?

    /// Opens a mapping; throws if the node is no mapping, or has other keys than `keys`.
    ///
    /// `line` is the mapping's line, for nodes that do not know theirs.
    init(_ node: Node, path: String, line: Int? = nil, what: String, keys: [String]) throws(ConfigurationError) {
        self.path = path
        self.what = what
        self.line = node.line ?? line
        guard let pairs = node.pairs else {
            throw ConfigurationError(
                path: path, line: self.line, reason: "\(what): expected keys and values, found \(node.name)")
        }
        var entries: [(String, Node, Int?)] = []
        entries.reserveCapacity(pairs.count)
        for pair in pairs {
            guard let name = pair.key else {
                throw ConfigurationError(path: path, line: pair.line ?? line, reason: "\(what): a key must be a word")
            }
            guard keys.contains(name) else {
                throw Self.unknown(name, keys, path: path, line: pair.line ?? line, what: what)
            }
            entries.append((name, pair.value, pair.line))
        }
        self.entries = entries
    }

    private static func unknown(
        _ name: String, _ keys: [String], path: String, line: Int?, what: String
    ) -> ConfigurationError {
        let hint =
            if let near = suggestion(for: name, among: keys) {
                "did you mean \"\(near)\"?"
            } else {
                "known keys: \(keys.sorted().joined(separator: ", "))"
            }
        return ConfigurationError(
            path: path, line: line, reason: "unknown key \"\(name.excerpt())\" in \(what); \(hint)")
    }

    private func entry(_ key: String) -> (value: Node, line: Int?)? {
        entries.first { $0.key == key }.flatMap { $0.value.isNull ? nil : ($0.value, $0.line) }
    }

    func has(_ key: String) -> Bool { entry(key) != nil }

    /// Throws an error that says what was `expected` if a key is present without a value.
    ///
    /// It is for keys where a missing value could be mistaken for a setting.
    func refuseEmpty(_ key: String, _ expected: String) throws(ConfigurationError) {
        guard let entry = entries.first(where: { $0.key == key }), entry.value.isNull else { return }
        throw ConfigurationError(
            path: path, line: entry.line ?? line, key: key, reason: "expected \(expected), found nothing")
    }

    /// Returns true if a key is present without a value.
    func isEmpty(_ key: String) -> Bool { entries.contains { $0.key == key && $0.value.isNull } }

    func failure(_ key: String, _ reason: String) -> ConfigurationError {
        let first = String(key.prefix { $0 != "." })
        return ConfigurationError(path: path, line: entry(first)?.line ?? line, key: key, reason: reason)
    }

    private func wrong(_ key: String, _ expected: String, _ node: Node) -> ConfigurationError {
        failure(key, "expected \(expected), found \(node.name)")
    }

    func node(_ key: String) -> Node? { entry(key)?.value }

    func string(_ key: String) throws(ConfigurationError) -> String? {
        guard let (node, _) = entry(key) else { return nil }
        guard let text = node.text else { throw wrong(key, "a text", node) }
        return text
    }

    func required(_ key: String) throws(ConfigurationError) -> String {
        guard let value = try string(key) else {
            throw ConfigurationError(path: path, line: line, reason: "\(what): \"\(key)\" is missing")
        }
        return value
    }

    func double(_ key: String) throws(ConfigurationError) -> Double? {
        guard let (node, _) = entry(key) else { return nil }
        guard let value = node.number, value.isFinite else { throw wrong(key, "a number", node) }
        return value
    }

    func integer(_ key: String) throws(ConfigurationError) -> Int? {
        guard let (node, _) = entry(key) else { return nil }
        guard let value = node.whole else { throw wrong(key, "a whole number", node) }
        return value
    }

    func bool(_ key: String) throws(ConfigurationError) -> Bool? {
        guard let (node, _) = entry(key) else { return nil }
        guard let value = node.truth else { throw wrong(key, "true or false", node) }
        return value
    }

    func list(_ key: String) throws(ConfigurationError) -> [Node]? {
        guard let (node, _) = entry(key) else { return nil }
        guard let items = node.items else { throw wrong(key, "a list", node) }
        return items
    }

    /// Reads a list of texts, or a single text as a list of one; nil without the key.
    func strings(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let (node, _) = entry(key) else { return nil }
        if let one = node.text { return [one] }
        guard let items = node.items else { throw wrong(key, "a list of texts", node) }
        var texts: [String] = []
        for item in items {
            guard let text = item.text else { throw wrong(key, "a list of texts", item) }
            texts.append(text)
        }
        return texts
    }

    /// Reads a mapping within this one, with the allowed `keys`; nil without the key.
    func mapping(_ key: String, keys: [String]) throws(ConfigurationError) -> Mapping? {
        guard let (node, line) = entry(key) else { return nil }
        return try Mapping(node, path: path, line: line ?? self.line, what: key, keys: keys)
    }

    /// Reads a mapping from arbitrary keys to lists of numbers; nil without the key.
    func numbers(_ key: String) throws(ConfigurationError) -> [String: [Double]]? {
        guard let (node, _) = entry(key) else { return nil }
        guard let pairs = node.pairs else { throw wrong(key, "keys and lists of numbers", node) }
        var lists: [String: [Double]] = [:]
        for pair in pairs {
            guard let name = pair.key else { throw failure(key, "a key must be a word") }
            let numbers = pair.value.items?.map(\.number)
            guard let numbers, !numbers.contains(nil) else {
                throw failure(key, "\(name): expected a list of numbers, found \(pair.value.name)")
            }
            lists[name] = numbers.compactMap { $0 }
        }
        return lists
    }

    /// Reads a mapping from arbitrary keys to texts; nil without the key.
    func texts(_ key: String) throws(ConfigurationError) -> [String: String]? {
        guard let (node, _) = entry(key) else { return nil }
        guard let pairs = node.pairs else { throw wrong(key, "keys and values", node) }
        var texts: [String: String] = [:]
        for pair in pairs {
            guard let name = pair.key else { throw failure(key, "a key must be a word") }
            guard let text = pair.value.text else {
                throw failure(key, "\(name): expected a text, found \(pair.value.name)")
            }
            texts[name] = text
        }
        return texts
    }
}
