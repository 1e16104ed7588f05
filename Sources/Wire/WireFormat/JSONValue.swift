/// Any JSON value; used for the arguments and results of control operations.
package enum JSONValue: Codable, Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .integer(let integer): try value.encode(integer)
        case .number(let number): try value.encode(number)
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    package subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var double: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    /// Converts an encodable value to a JSON value.
    package init(encoding value: some Encodable) throws {
        self = try WireCoding.decode(JSONValue.self, WireCoding.encode(value))
    }

    /// Decodes the JSON value as a `Decodable` type.
    package func decoded<T: Decodable>(as type: T.Type) throws -> T {
        try WireCoding.decode(type, WireCoding.encode(self))
    }
}

extension [String: JSONValue] {
    /// Takes on changed members of an object; null removes a member, which resets its key to the default.
    package mutating func apply(changes: [String: JSONValue]) {
        for (key, value) in changes { self[key] = value == .null ? nil : value }
    }
}
