package import ControlAPI
package import Daemon
package import Foundation
package import WireFormat

/// Builds an operation's arguments from a request's path, query string and body, and checks them by its schema.
package enum ArgumentReader {
    /// Reads an operation's arguments; `contentType` is the request's `Content-Type`.
    package static func read(
        _ operation: DaemonOperation, path: [String: String], query: [RequestTarget.Field], body: Data,
        contentType: String?
    ) throws(Refusal) -> JSONValue {
        var arguments: [String: JSONValue] = [:]
        if operation.hasBody {
            guard query.isEmpty else {
                throw bad("\(query[0].name.prefix(64)): arguments stand in the body, not in the query")
            }
            if !body.isEmpty || operation.needsBody {
                arguments = try members(of: body, contentType, operation.bodySchema)
            }
        } else {
            let texts = try fields(query).merging(path) { $1 }
            arguments = values(texts, operation.properties)
        }
        for (name, value) in path where operation.hasBody { arguments[name] = .string(value) }
        let read = JSONValue.object(arguments)
        if let problem = Schemas.problem(read, as: operation.arguments) { throw bad(problem) }
        return read
    }

    /// Returns the fields of the query string of a request that is no operation, checked by `arguments`.
    static func texts(
        _ query: [RequestTarget.Field], _ arguments: [Schema.Property]
    ) throws(Refusal) -> [String: String] {
        let texts = try fields(query)
        if let problem = Schemas.problem(.object(values(texts, arguments)), as: .object(arguments)) {
            throw bad(problem)
        }
        return texts
    }

    private static func fields(_ query: [RequestTarget.Field]) throws(Refusal) -> [String: String] {
        var fields: [String: String] = [:]
        for field in query {
            guard fields.updateValue(field.value, forKey: field.name) == nil else {
                throw bad("\(field.name.prefix(64)): it stands twice")
            }
        }
        return fields
    }

    private static func bad(_ message: String) -> Refusal { Refusal(400, "bad-argument", message) }

    /// Returns the members of a JSON object in a body, checked by its schema.
    static func members(
        of body: Data, _ contentType: String?, _ schema: Schema
    ) throws(Refusal) -> [String: JSONValue] {
        guard let contentType, isJSON(contentType) else {
            throw Refusal(415, "bad-content-type", "the body must be application/json")
        }
        let value: JSONValue
        do {
            value = try JSONText.parse(body)
        } catch {
            throw Refusal(400, "bad-request", "the body is not JSON: \(error)")
        }
        if let problem = Schemas.problem(value, as: schema) { throw bad(problem) }
        guard case .object(let members) = value else { throw bad("the body: expected keys and values") }
        return members
    }

    /// Returns true if a content type is `application/json`, with any parameters, such as a charset.
    static func isJSON(_ type: String) -> Bool {
        let essence = type.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        return essence == "application/json"
    }

    /// Converts texts to the types that the arguments' schemas expect; a text without a schema stays a text.
    private static func values(_ texts: [String: String], _ arguments: [Schema.Property]) -> [String: JSONValue] {
        var values = texts.mapValues { JSONValue.string($0) }
        for argument in arguments {
            if let text = texts[argument.key] { values[argument.key] = value(text, argument.schema) }
        }
        return values
    }

    /// Converts a text of the query string to the type that the schema expects; returns the text if that fails.
    private static func value(_ text: String, _ schema: Schema) -> JSONValue {
        let isPlain = text.utf8.allSatisfy { $0 != UInt8(ascii: "+") }
        return switch schema {
        case .integer where isPlain: Int64(text).map { .integer($0) } ?? .string(text)
        case .number where isPlain: Double(text).map { $0.isFinite ? .number($0) : .string(text) } ?? .string(text)
        case .truth: text == "true" ? .bool(true) : text == "false" ? .bool(false) : .string(text)
        default: .string(text)
        }
    }
}

extension DaemonOperation {
    /// True if the operation's arguments are in the request's body (POST, PATCH), except those in the path.
    package var hasBody: Bool { method == .post || method == .patch }

    /// The schema of the operation's body: its arguments without those in the path.
    package var bodySchema: Schema {
        guard case .object(let properties, let others) = arguments else { return arguments }
        return .object(properties.filter { !pathArguments.contains($0.key) }, others: others)
    }

    /// True if the operation has a required argument in its body, so that a request without body is wrong.
    package var needsBody: Bool {
        guard case .object(let properties, _) = bodySchema else { return true }
        return properties.contains(where: \.isRequired)
    }
}
