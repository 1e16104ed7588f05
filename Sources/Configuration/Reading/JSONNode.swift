import Matching
import Printing
package import WireFormat

extension JSONValue: ConfigurationNode {
    var isNull: Bool { self == .null }
    var text: String? { string }
    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
    var whole: Int? {
        switch self {
        case .integer(let value): Int(exactly: value)
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }
    var truth: Bool? { if case .bool(let value) = self { value } else { nil } }
    var items: [JSONValue]? { array }
    var pairs: [(key: String?, value: JSONValue, line: Int?)]? {
        guard case .object(let object) = self else { return nil }
        return object.map { (key: $0.key, value: $0.value, line: nil) }
    }
    var line: Int? { nil }
    var name: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "the number \(value)"
        case .number(let value): "the number \(value)"
        case .string(let value): "the text \"\(value.excerpt())\""
        case .array: "a list"
        case .object: "keys and values"
        }
    }
}
