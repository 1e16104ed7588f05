package import Foundation

/// Encodes and decodes all messages as JSON, with sorted keys, and dates in ISO 8601 UTC with milliseconds.
package enum WireCoding {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    package static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var value = encoder.singleValueContainer()
            try value.encode(date.formatted(style))
        }
        return try encoder.encode(value)
    }

    package static func decode<T: Decodable>(_ type: T.Type, _ data: Data) throws -> T {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            try style.parse(decoder.singleValueContainer().decode(String.self))
        }
        return try decoder.decode(type, from: data)
    }
}
