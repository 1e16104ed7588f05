import Foundation
import SystemSupport

/// The schema of a JSON value: printed as JSON Schema (2020-12), and used to check arguments.
package indirect enum Schema: Sendable {
    case anything
    case null
    case truth
    case integer(ClosedRange<Int64>? = nil)
    case number(ClosedRange<Double>? = nil)
    /// A string whose number of Unicode scalars is in this range; nil allows any number.
    case text(ClosedRange<Int>? = nil)
    /// The name of a stream, a query or a group of queries: 1 to 64 letters, digits, hyphens and underscores.
    case name
    /// The id of an event: 1 to 64 letters and digits.
    case event
    case word([String])
    /// A date and a time in ISO 8601; `problem` only checks that the value is a string.
    case moment
    case list(Schema, ClosedRange<Int>? = nil)
    /// An object with these keys; `others` is the schema of the values under any other key, nil forbids other keys.
    case object([Property], others: Schema? = nil)
    case either([Schema])
    /// A reference to a schema by its name; the OpenAPI document contains that schema once.
    case reference(String)

    package struct Property: Sendable {
        package let key: String
        package let schema: Schema
        package let isRequired: Bool
        package let summary: String?

        package init(_ key: String, _ schema: Schema, required: Bool = false, _ summary: String? = nil) {
            self.key = key
            self.schema = schema
            isRequired = required
            self.summary = summary
        }
    }

    package static func optional(_ schema: Schema) -> Schema { .either([schema, .null]) }

    package static let names = "^[A-Za-z0-9_-]{1,64}$"
    package static let events = "^[A-Za-z0-9]{1,64}$"
}

// MARK: JSON Schema

extension Schema {
    /// The schema in the form of JSON Schema.
    package var json: JSONValue {
        switch self {
        case .anything: .object([:])
        case .null: Self.typed("null")
        case .truth: Self.typed("boolean")
        case .integer(let range):
            Self.typed(
                "integer",
                ["minimum": range.map { .integer($0.lowerBound) }, "maximum": range.map { .integer($0.upperBound) }])
        case .number(let range):
            Self.typed(
                "number",
                ["minimum": range.map { .number($0.lowerBound) }, "maximum": range.map { .number($0.upperBound) }])
        case .text(let length):
            Self.typed(
                "string",
                [
                    "minLength": length.map { .integer(Int64($0.lowerBound)) },
                    "maxLength": length.map { .integer(Int64($0.upperBound)) },
                ])
        case .name: Self.typed("string", ["pattern": .string(Self.names)])
        case .event: Self.typed("string", ["pattern": .string(Self.events)])
        case .word(let words): Self.typed("string", ["enum": .array(words.map { .string($0) })])
        case .moment: Self.typed("string", ["format": .string("date-time")])
        case .list(let item, let count):
            Self.typed(
                "array",
                [
                    "items": item.json, "minItems": count.map { .integer(Int64($0.lowerBound)) },
                    "maxItems": count.map { .integer(Int64($0.upperBound)) },
                ])
        case .object(let properties, let others): Self.object(properties, others)
        case .either(let schemas): .object(["anyOf": .array(schemas.map(\.json))])
        case .reference(let name): .object(["$ref": .string("#/components/schemas/\(name)")])
        }
    }

    private static func typed(_ type: String, _ more: [String: JSONValue?] = [:]) -> JSONValue {
        var members = more.compactMapValues { $0 }
        members["type"] = .string(type)
        return .object(members)
    }

    private static func object(_ properties: [Property], _ others: Schema?) -> JSONValue {
        var shown: [String: JSONValue] = [:]
        for property in properties {
            var schema = property.schema.json
            if let summary = property.summary, case .object(var members) = schema {
                members["description"] = .string(summary)
                schema = .object(members)
            }
            shown[property.key] = schema
        }
        let required = properties.filter(\.isRequired).map { JSONValue.string($0.key) }
        return typed(
            "object",
            [
                "properties": shown.isEmpty ? nil : .object(shown),
                "required": required.isEmpty ? nil : .array(required),
                "additionalProperties": others?.json ?? .bool(false),
            ])
    }
}

// MARK: Validation

extension Schema {
    /// Returns the first violation of this schema in a value, such as "limit: expected 1 to 10000"; nil if it is valid.
    ///
    /// The text begins with the place within the value; `at` is the place of the whole value. `named` has the schemas
    /// that references name.
    package func problem(_ value: JSONValue, at place: String = "", named: [String: Schema]) -> String? {
        func wrong(_ expected: String) -> String { "\(place.isEmpty ? "" : "\(place): ")expected \(expected)" }
        switch self {
        case .anything: return nil
        case .null: return value == .null ? nil : wrong("null")
        case .truth: return value.isTruth ? nil : wrong("true or false")
        case .integer(let range):
            guard let number = value.integer else { return wrong("a whole number") }
            guard let range, !range.contains(number) else { return nil }
            return wrong("\(range.lowerBound) to \(range.upperBound)")
        case .number(let range):
            guard let number = value.double else { return wrong("a number") }
            guard let range, !range.contains(number) else { return nil }
            return wrong("\(range.lowerBound) to \(range.upperBound)")
        case .text(let length):
            guard let text = value.string else { return wrong("a text") }
            guard let length, !length.contains(text.unicodeScalars.count) else { return nil }
            return wrong("a text of \(length.lowerBound) to \(length.upperBound) characters")
        case .name:
            let fits = value.string.map { Identifier.isName($0) } ?? false
            return fits ? nil : wrong("1 to 64 letters, digits, hyphens or underscores")
        case .event:
            let fits = value.string.map { Identifier.isEvent($0) } ?? false
            return fits ? nil : wrong("1 to 64 letters or digits")
        case .word(let words):
            return value.string.map(words.contains) ?? false ? nil : wrong("one of \(words.joined(separator: ", "))")
        case .moment: return value.string == nil ? wrong("a date and a time, as in 2030-01-31T18:00:00Z") : nil
        case .list(let item, let count): return Self.problem(value, items: item, count, place, named, wrong)
        case .object(let properties, let others): return Self.problem(value, properties, others, place, named, wrong)
        case .either(let schemas):
            let problems = schemas.compactMap { $0.problem(value, at: place, named: named) }
            return problems.count < schemas.count ? nil : problems.first
        case .reference(let name):
            guard let schema = named[name] else { return wrong("a \(name), which is not known") }
            return schema.problem(value, at: place, named: named)
        }
    }

    private static func problem(
        _ value: JSONValue, items: Schema, _ count: ClosedRange<Int>?, _ place: String, _ named: [String: Schema],
        _ wrong: (String) -> String
    ) -> String? {
        guard let list = value.array else { return wrong("a list") }
        if let count, !count.contains(list.count) {
            return wrong("a list of \(count.lowerBound) to \(count.upperBound)")
        }
        for (index, item) in list.enumerated() {
            if let problem = items.problem(item, at: "\(place)[\(index)]", named: named) { return problem }
        }
        return nil
    }

    private static func problem(
        _ value: JSONValue, _ properties: [Property], _ others: Schema?, _ place: String, _ named: [String: Schema],
        _ wrong: (String) -> String
    ) -> String? {
        guard case .object(let members) = value else { return wrong("keys and values") }
        func inner(_ key: String) -> String { place.isEmpty ? String(key.prefix(64)) : "\(place).\(key.prefix(64))" }
        for property in properties {
            guard let member = members[property.key] else {
                if property.isRequired { return "\(inner(property.key)): it is missing" }
                continue
            }
            if let problem = property.schema.problem(member, at: inner(property.key), named: named) { return problem }
        }
        let known = Set(properties.map(\.key))
        for key in members.keys.sorted() where !known.contains(key) {
            guard let others, let member = members[key] else {
                let there = properties.isEmpty ? "there is none" : "there are \(known.sorted().joined(separator: ", "))"
                return "\(inner(key)): no such key; \(there)"
            }
            if let problem = others.problem(member, at: inner(key), named: named) { return problem }
        }
        return nil
    }
}

extension JSONValue {
    fileprivate var isTruth: Bool { if case .bool = self { true } else { false } }
}
