import Foundation
import Matching
import Printing
import Yams

typealias YAMLMapping = Mapping<Node>

extension Node: ConfigurationNode {
    var isNull: Bool { null != nil }
    var text: String? { scalar?.string }
    var number: Double? { float ?? int.map(Double.init) }
    var whole: Int? { int }
    var truth: Bool? { bool }
    var items: [Node]? { sequence.map { Array($0) } }
    var pairs: [(key: String?, value: Node, line: Int?)]? {
        mapping?.map { (key: $0.key.string, value: $0.value, line: $0.key.mark?.line) }
    }
    var line: Int? { mark?.line }
    var name: String {
        switch self {
        case .scalar(let scalar): "the text \"\(scalar.string.excerpt())\""
        case .mapping: "keys and values"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}

extension Mapping<Node> {
    /// Parses a YAML document; throws, with the line, on a syntax error.
    ///
    /// An empty document gives an empty mapping.
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
}
