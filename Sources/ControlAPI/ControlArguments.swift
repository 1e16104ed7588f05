import Foundation
package import WireFormat

/// Decodes the arguments of a control request; its errors name the argument that is missing or wrong.
package enum ControlArguments {
    package static func read<T: Decodable>(_ args: JSONValue, as type: T.Type) throws -> T {
        do {
            return try args.decoded(as: type)
        } catch let error as DecodingError {
            throw ControlFailure("bad-argument", sentence(error))
        }
    }

    package static func name(_ args: JSONValue, _ key: String) throws -> String {
        guard let value = args[key]?.string else { throw ControlFailure("bad-argument", "\"\(key)\" is missing") }
        return value
    }

    private static func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" has a wrong type, expected \(type)"
        default: "the arguments are malformed"
        }
    }
}
