import ControlAPI
import Daemon
package import Foundation
package import WireFormat

/// Generates the OpenAPI 3.1 document from the routes and operations.
package enum OpenAPIDocument {
    /// Returns the OpenAPI document as JSON, as it is served and stored in docs/openapi.json.
    package static func data() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return try encoder.encode(value)
    }

    package static var value: JSONValue {
        var paths: [String: [String: JSONValue]] = [:]
        for route in Routes.all { paths[route.path, default: [:]][route.method.lowercased()] = described(route) }
        return .object([
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("Watchword"), "version": .string(watchwordVersion),
                "description": .string("Watches live video for events that are described in words."),
            ]),
            "servers": .array([.object(["url": .string("/")])]),
            "paths": .object(paths.mapValues { .object($0) }),
            "components": .object([
                "schemas": .object(Schemas.named.mapValues(\.json)),
                "securitySchemes": .object([
                    "token": .object(["type": .string("http"), "scheme": .string("bearer")])
                ]),
            ]),
        ])
    }

    private static func described(_ route: Route) -> JSONValue {
        switch route.endpoint {
        case .operation(let operation): described(operation)
        case .health:
            plain("healthz", "Whether the process and its scoring loop live.", isOpen: true, [503], word(["ok"]))
        case .readiness:
            plain(
                "readyz", "Whether model, sockets, queries and streams are there.", isOpen: true, [503], word(["ready"])
            )
        case .metrics:
            plain(
                "metrics", "Counters for Prometheus, in its text format 0.0.4.", [400, 401, 429], .text(),
                type: Exposition.contentType)
        case .document: plain("openapi", "This document.", [400, 401, 429], .object([], others: .anything))
        case .eventStream:
            plain(
                "events.stream",
                "Messages as server-sent events, their numbers as ids: what came after Last-Event-ID, then what comes.",
                [400, 401, 409, 422, 429, 503], .text(), type: "text/event-stream",
                parameters: EventStream.arguments.map { parameter($0, in: "query") } + [
                    parameter(
                        .init("Last-Event-ID", .integer(0...Int64.max), "As `since`, sent by browsers; it wins."),
                        in: "header")
                ])
        case .live:
            plain(
                "live", "Messages, scores and pictures as they come, as frames of bytes: see docs/PAGE.md.",
                [400, 401, 409, 429], nil, type: LiveStream.contentType,
                parameters: LiveStream.arguments.map { parameter($0, in: "query") })
        case .picture:
            plain(
                "history.picture", "The picture of a stream that the history has nearest to a time, a JPEG.",
                [400, 401, 404, 422, 429], nil, type: "image/jpeg",
                parameters: PicturePath.arguments.map { parameter($0, in: "query") })
        case .session(let step): described(step)
        case .page:
            plain(
                route.path == "/" ? "page" : "page.file",
                route.path == "/" ? "The web page." : "A script, a style or a drawing of the web page.", isOpen: true,
                [404, 429], nil, type: route.path == "/" ? "text/html" : "*/*",
                parameters: route.path == "/"
                    ? [] : [parameter(.init("file", .text(1...64), required: true), in: "path")])
        case .snapshot:
            plain(
                "events.snapshot", "The picture of an event's peak, a JPEG.", [400, 401, 404, 429, 503], nil,
                type: "image/jpeg",
                parameters: [parameter(.init("event", .event, required: true), in: "path")]
                    + RequestHandler.snapshotArguments.map { parameter($0, in: "query") })
        case .movie: movie
        case .clip: clip
        }
    }

    private static let movie = plain(
        "stream.movie",
        "A stream's coded video as it comes, an MP4 without end in fragments; H.264 or H.265, as the camera sends.",
        [400, 401, 404, 409, 429, 503], nil, type: "video/mp4",
        parameters: [parameter(.init("name", .name, required: true), in: "path")])

    private static let clip = plain(
        "events.clip",
        "The coded video around an event, an MP4 file, or a part of it (`Range`), or a JPEG with pictures in rows of four; "
            + "`Clip-Files` says how many files it has.",
        [400, 401, 404, 416, 429], nil, type: "video/mp4",
        parameters: [parameter(.init("event", .event, required: true), in: "path")]
            + RequestHandler.clipArguments.map { parameter($0, in: "query") },
        besides: [202: ("It is being written.", "application/json"), 206: ("A part of it.", "video/mp4")])

    private static func described(_ step: SessionStep) -> JSONValue {
        switch step {
        case .show:
            plain(
                "session.show", "The asker's role, and until when a browser's session lasts.", [400, 401, 429],
                SessionDocument.shown)
        case .open:
            plain(
                "session.open", "Exchanges a token for a session, in a cookie that scripts cannot read.", isOpen: true,
                [401, 413, 415, 422, 429, 503], SessionDocument.shown,
                body: .object([
                    "required": .bool(true), "content": content("application/json", SessionDocument.body),
                ]))
        case .end: plain("session.end", "Ends a browser's session.", isOpen: true, [400, 429], SessionDocument.ended)
        }
    }

    private static func word(_ words: [String]) -> Schema {
        .object([.init("status", .word(words), required: true)])
    }

    private static func described(_ operation: DaemonOperation) -> JSONValue {
        var statuses: Set<Int> = [400, 401, 429, 503, 504]
        for failure in operation.failures + [.badArgument] { statuses.insert(failure.status) }
        var parameters: [JSONValue] = []
        var body: JSONValue?
        for name in operation.pathArguments {
            let known = operation.properties.first { $0.key == name }
            let property = Schema.Property(name, known?.schema ?? .name, required: true, known?.summary)
            parameters.append(parameter(property, in: "path"))
        }
        if operation.hasBody {
            statuses.formUnion([413, 415])
            body = .object([
                "required": .bool(operation.needsBody), "content": content("application/json", operation.bodySchema),
            ])
        } else {
            parameters += operation.properties.filter { !operation.pathArguments.contains($0.key) }
                .map { parameter($0, in: "query") }
        }
        return plain(
            operation.name, operation.summary, needs: operation.role, statuses.sorted(), operation.result,
            parameters: parameters, body: body)
    }

    private static func plain(
        _ id: String, _ summary: String, isOpen: Bool = false, needs role: Role = .view, _ refusals: [Int],
        _ result: Schema?,
        type: String = "application/json", parameters: [JSONValue] = [], body: JSONValue? = nil,
        besides: [Int: (meaning: String, type: String)] = [:]
    ) -> JSONValue {
        var responses: [String: JSONValue] = [
            "200": .object(["description": .string("Done."), "content": content(type, result)])
        ]
        for status in Set(refusals + [400, 403, 414]) {
            responses["\(status)"] = .object([
                "description": .string(meaning(of: status)),
                "content": content("application/json", .reference("Error")),
            ])
        }
        for (status, answer) in besides {
            responses["\(status)"] = .object([
                "description": .string(answer.meaning), "content": content(answer.type, nil),
            ])
        }
        var members: [String: JSONValue] = [
            "operationId": .string(id), "summary": .string(summary), "responses": .object(responses),
        ]
        if !parameters.isEmpty { members["parameters"] = .array(parameters) }
        members["requestBody"] = body
        // If no token is configured, none is needed. A token's role includes all lower roles.
        if !isOpen {
            members["security"] = .array([.object([:]), .object(["token": .array([.string(role.rawValue)])])])
        }
        return .object(members)
    }

    private static func content(_ type: String, _ schema: Schema?) -> JSONValue {
        .object([type: .object(schema.map { ["schema": $0.json] } ?? [:])])
    }

    private static func parameter(_ property: Schema.Property, in place: String) -> JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(property.key), "in": .string(place), "required": .bool(property.isRequired),
            "schema": property.schema.json,
        ]
        members["description"] = property.summary.map { .string($0) }
        return .object(members)
    }

    private static func meaning(of status: Int) -> String {
        switch status {
        case 400: "The request is not as it is described here."
        case 401: "A bearer token or a session is needed, and was not given, is wrong or has ended."
        case 403:
            "The token's role does not allow it, the request is for another host, or another site's page sent it."
        case 404: "There is no such thing."
        case 409: "There is another of that name, or the numbers are of another journal."
        case 413: "The body is too large."
        case 414: "The request's target has more than 8192 bytes."
        case 415: "The body is no JSON."
        case 416: "There is no such part of it."
        case 422: "It was understood, and is not possible; the message says why."
        case 429: "Too often, or too many at once."
        case 503: "Not now: too many requests, no disk, or not begun."
        case 504: "It takes too long; what was begun goes on."
        default: "Refused."
        }
    }
}
