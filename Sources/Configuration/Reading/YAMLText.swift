import Foundation
import Printing
import WireFormat

/// Writes JSON values as one line of YAML: as JSON, with escapes for characters that YAML readers do not accept.
enum YAMLText {
    static func flow(_ value: JSONValue) throws -> String {
        let json = String(decoding: try WireCoding.encode(value), as: UTF8.self)
        guard json.unicodeScalars.contains(where: mustBeEscaped) else { return json }
        var text = ""
        for scalar in json.unicodeScalars {
            if mustBeEscaped(scalar) {
                text += String(format: scalar.value > 0xFFFF ? "\\U%08x" : "\\u%04x", scalar.value)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xFFFE, 0xFFFF: true
        default: scalar.value >= 0x7F && ControlCharacters.isUnsafe(scalar)
        }
    }
}
