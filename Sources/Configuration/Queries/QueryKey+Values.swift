import Foundation
import Matching
import Printing
package import WireFormat

extension QueryKey {
    /// Reads this key from a mapping into a query, if it is present; paths of pictures are relative to `folder`.
    func read<Node>(
        _ values: Mapping<Node>, into query: inout QueryConfiguration, folder: URL?
    ) throws(ConfigurationError) {
        switch place {
        case .text(let path): query[keyPath: path] = try values.string(name)
        case .texts(let path): query[keyPath: path] = try values.strings(name)
        case .number(let path): query[keyPath: path] = try values.double(name)
        case .integer(let path): query[keyPath: path] = try values.integer(name)
        case .truth(let path): query[keyPath: path] = try values.bool(name)
        case .metadata: query.metadata = try values.texts(name)
        case .images: query.images = try Self.pictures(values, name, folder)
        case .confirm: query.confirm = try Confirmation(values)
        case .update:
            guard let update = try values.mapping(name, keys: ["step", "interval"]) else { return }
            query.update = .init(step: try update.double("step"), interval: try update.double("interval"))
        case .active: query.active = try ActivePart.list(values)
        case .expires: query.expires = try Self.moment(values, name)
        }
    }

    private static func pictures<Node>(
        _ values: Mapping<Node>, _ name: String, _ folder: URL?
    ) throws(ConfigurationError) -> [String]? {
        guard let given = try values.strings(name) else { return nil }
        var pictures: [String] = []
        do throws(QueryPartError) {
            for picture in given {
                if let folder, !picture.hasPrefix("data:") {
                    pictures.append(PictureURI.encode(try PictureURI.read(picture, from: folder)))
                } else {
                    _ = try PictureURI.decode(picture)
                    pictures.append(picture)
                }
            }
        } catch {
            throw values.failure(error.key, error.reason)
        }
        return pictures
    }

    private static func moment<Node>(_ values: Mapping<Node>, _ name: String) throws(ConfigurationError) -> Moment? {
        guard let text = try values.string(name) else { return nil }
        guard let moment = Moment(text) else {
            throw values.failure(
                name, "\"\(text.excerpt())\" is no moment; write it as in 2030-01-31T18:00:00Z or …+01:00")
        }
        return moment
    }

    /// Returns the query's value of this key as it is written; nil if the query has none.
    func value(of query: QueryConfiguration) -> JSONValue? {
        func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        return switch place {
        case .text(let path): query[keyPath: path].map { .string($0) }
        case .texts(let path): query[keyPath: path].map(texts)
        case .number(let path): query[keyPath: path].map { .number($0) }
        case .integer(let path): query[keyPath: path].map { .integer(Int64($0)) }
        case .truth(let path): query[keyPath: path].map { .bool($0) }
        case .metadata: query.metadata.map { .object($0.mapValues { .string($0) }) }
        case .images: query.images.map(texts)
        case .confirm: query.confirm.map { .object(["need": .integer(Int64($0.need)), "of": .integer(Int64($0.of))]) }
        case .update: query.update.map(Self.value)
        case .active: query.active.map { .array($0.map(Self.value)) }
        case .expires: query.expires.map { .string($0.description) }
        }
    }

    /// Returns this key's name and the query's value; nil if the query has none.
    func entry(of query: QueryConfiguration) -> (name: String, value: JSONValue)? {
        value(of: query).map { (name, $0) }
    }

    private static func value(_ update: UpdatePolicy) -> JSONValue {
        var members: [String: JSONValue] = [:]
        members["step"] = update.step.map { .number($0) }
        members["interval"] = update.interval.map { .number($0) }
        return .object(members)
    }

    private static func value(_ part: ActivePart) -> JSONValue {
        var members: [String: JSONValue] = ["zone": .string(part.zone)]
        members["days"] = part.days.map { .array($0.map { .string($0) }) }
        members["hours"] = part.hours.map { .array($0.map { .string($0) }) }
        return .object(members)
    }
}

extension QueryConfiguration {
    /// The query as a JSON object, with only the keys that have a value.
    package var json: [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        for key in QueryKey.all { members[key.name] = key.value(of: self) }
        return members
    }
}
