import Foundation

/// A JSON object in a file of a model directory; its errors name the file, the key and the expected type.
struct ModelJSON {
    let object: [String: Any]
    let path: String
    /// The object's place in the file with a trailing dot, such as "vision_config."; empty for the top object.
    private let place: String

    init(_ object: [String: Any], path: String, place: String = "") {
        (self.object, self.path, self.place) = (object, path, place)
    }

    init(_ file: ModelFile) throws {
        guard let parsed = (try? JSONSerialization.jsonObject(with: file.data)) as? [String: Any] else {
            throw ModelError(file.path, "the file is not a JSON object")
        }
        self.init(parsed, path: file.path)
    }

    func optional<T>(_ key: String, as type: T.Type) throws -> T? {
        guard let value = object[key], !(value is NSNull) else { return nil }
        guard let typed = value as? T else {
            throw ModelError(path, "\"\(place)\(key)\" has a wrong type, expected \(type)")
        }
        return typed
    }

    func required<T>(_ key: String, as type: T.Type) throws -> T {
        guard let value = try optional(key, as: type) else { throw ModelError(path, "\"\(place)\(key)\" is missing") }
        return value
    }

    /// Returns the JSON object under `key`; nil if the key is missing or null.
    func object(_ key: String) throws -> ModelJSON? {
        try optional(key, as: [String: Any].self).map { ModelJSON($0, path: path, place: "\(place)\(key).") }
    }

    /// Returns the number under `key`, or the default if it is missing; throws unless it is from 1 to 1,000,000.
    func size(_ key: String, default standard: Int) throws -> Int {
        let value = try optional(key, as: Int.self) ?? standard
        guard (1...1_000_000).contains(value) else {
            throw ModelError(path, "\"\(place)\(key)\": expected a size of 1 to 1000000, found \(value)")
        }
        return value
    }

    /// Throws unless the key is missing, null or one of the accepted values.
    ///
    /// It is for keys that change what a model computes, where Watchword supports only these values.
    func expect(_ key: String, _ accepted: Any...) throws { try expect(key, any: accepted) }

    func expect(_ key: String, any accepted: [Any]) throws {
        guard let value = object[key], !(value is NSNull), !accepted.contains(where: { Self.isEqual($0, value) })
        else { return }
        let expected = accepted.isEmpty ? "no such key" : accepted.map(Self.shown).joined(separator: " or ")
        throw refusal(key, "expected \(expected)")
    }

    /// Returns the error for an unsupported value of `key`; `expected` is the message's part about supported values.
    func refusal(_ key: String, _ expected: String) -> ModelError {
        ModelError(path, "\"\(place)\(key)\": \(expected), found \(Self.shown(object[key] ?? NSNull()))")
    }

    /// Returns the error for an unknown key, which may change what the model computes.
    func refuseUnknown(_ key: String) -> ModelError {
        ModelError(path, "\"\(place)\(key)\" is not known, and may change what the model computes: it is refused")
    }

    /// Returns the object's keys that none of the tables contains, as paths such as "vision_config.key", sorted.
    ///
    /// Keys with the value null are ignored.
    func unknown(_ tables: Set<String>...) -> [String] {
        object.filter { key, value in !(value is NSNull) && !tables.contains { $0.contains(key) } }
            .keys.sorted().map { "\(place)\($0)" }
    }

    private static func isEqual(_ one: Any, _ other: Any) -> Bool {
        guard let one = one as? NSObject, let other = other as? NSObject else { return shown(one) == shown(other) }
        return one == other
    }

    /// Returns a value as JSON text for an error message, cut to 80 characters.
    private static func shown(_ value: Any) -> String {
        let data = try? JSONSerialization.data(
            withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes])
        let text = data.map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
        return text.count > 80 ? "\(text.prefix(80))…" : text
    }
}
