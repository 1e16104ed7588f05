import StreamSources
import WatchwordConfiguration
package import WireFormat

/// The schemas of requests and answers, for both the ZeroMQ and the HTTP API.
package enum Schemas {
    /// Returns the first violation of `schema` in a value, beginning with its place in the value; nil if it is valid.
    package static func problem(_ value: JSONValue, as schema: Schema, at place: String = "") -> String? {
        schema.problem(value, at: place, named: named)
    }

    package static let named: [String: Schema] = [
        "Query": .object(query), "QueryDescription": QueryDescription.schema,
        "Stream": stream, "StreamStatus": streamStatus, "Status": status, "Message": message,
        "Explanation": explanation, "Error": error, "Moment": moment, "Backtest": backtested, "History": history,
        "Suggestions": suggestions,
        "Notifier": notifier, "NewNotifier": NotifierDescription.schema,
    ]

    package static let error = Schema.object([
        .init(
            "error", .object([.init("code", .text(), required: true), .init("message", .text(), required: true)]),
            required: true)
    ])

    // MARK: Queries

    /// The schema of a change to a query: its id, and the keys to change; null resets a key to its default.
    package static let queryChanges = Schema.object(
        query.map { property in
            property.key == "id"
                ? .init("id", .name, required: true)
                : .init(property.key, .optional(property.schema), property.summary)
        })

    /// The schema of a request to add a query, with all of its keys, and `replace`.
    package static let queryAdded = Schema.object(
        query + [.init("replace", .truth, "Whether a query of the same id that is another may be replaced.")])

    /// The keys of a query in a request, with their schemas.
    private static let query = QueryKey.all.map { Schema.Property($0.name, $0.schema, $0.summary) }

    /// The keys of a query that say what it looks for, and in which streams.
    private static let description = query.filter {
        ["text", "phrasings", "images", "prompts", "head", "frames", "streams"].contains($0.key)
    }
    private static let span: [Schema.Property] = [
        .init("from", .moment, "The earliest end of a window; all there is, if it is left out."),
        .init("to", .moment, "The end of that span, not included."),
    ]

    /// The schema of a request to search the history of recorded embeddings.
    package static let search = Schema.object(
        description + span + [
            .init("event", .event, "In the place of texts and pictures: what was like the peak of this event."),
            .init(
                "moment",
                .object([
                    .init("stream", .text(1...160), required: true), .init("at", .moment, required: true),
                ]), "In the place of texts and pictures: what was like this moment, the end of a window."),
            .init("limit", .integer(1...1000), "Moments, at most; 10, if it is left out."),
            .init("sort", .word(["score", "time"]), "The best first, or these, the newest first."),
        ])

    /// The schema of a request for a backtest: a query, existing or new, is evaluated on the recorded past.
    ///
    /// It has the id of an existing query or the keys of a new one, and a span of time.
    package static let backtest = Schema.object(
        query + span + [
            .init(
                "alerts_per_day", .number(0.001...8640), "A threshold is proposed that would have made so many; 1.")
        ])

    private static let explanation = Schema.object([
        .init("query", .name, required: true), .init("stream", .text(), required: true),
        .init("head", .text(), required: true), .init("rule", .text(), required: true),
        .init("open", .truth, required: true), .init("media", media), .init("score", .number()),
        .init("probability", .number()), .init("threshold", .number()), .init("overBackground", background),
        .init("rank", .integer()), .init("windows", .integer()),
        .init(
            "contrasts",
            .list(
                .object([
                    .init("text", .text(), required: true), .init("score", .number(), required: true),
                    .init("probability", .number(), required: true),
                ])), required: true),
        .init(
            "frames",
            .list(.object([.init("at", .number(), required: true), .init("score", .number(), required: true)])),
            required: true),
        .init(
            "heldBack",
            .object([.init("code", .text(), required: true), .init("message", .text(), required: true)])),
    ])

    private static let background = Schema.object([
        .init("state", .word(["learning", "pinned", "drifted"]), required: true),
        .init("progress", .number(), required: true), .init("version", .integer(), required: true),
        .init("alerts", .integer(), required: true), .init("deviations", .number()), .init("returnDays", .number()),
        .init("suggested", .number()), .init("why", .text()),
    ])
    private static let media = Schema.object([
        .init("start", .number(), required: true), .init("end", .number(), required: true),
    ])

    // MARK: Streams

    private static let stream = Schema.object(streamKeys)

    /// The schema of a change to a stream: its name, and the keys to change; null resets a key to its default.
    package static let streamChanges = Schema.object(
        streamKeys.map { property in
            property.key == "name"
                ? .init("name", .name, required: true)
                : .init(property.key, .optional(property.schema), property.summary)
        })

    /// A source to be tried: a stream's keys without its name, or changes to a stream that is there.
    package static let streamTest = Schema.object(
        streamKeys.map { property -> Schema.Property in
            switch property.key {
            case "name":
                .init("like", .name, "A stream that has the keys that are left out; the URI may be one of them.")
            case "uri": .init(property.key, property.schema, property.summary)
            default: property
            }
        })

    /// The schema of the answer of `stream.test`: what plays of a source, or why nothing does.
    package static let streamTested = Schema.object([
        .init("plays", .truth, required: true), .init("reason", .text(), "Why it does not play."),
        .init("live", .truth, "Whether it has no end."), .init("codec", .text()),
        .init("decoder", .text(), "GStreamer's name of what decodes it."), .init("width", .integer()),
        .init("height", .integer()), .init("fps", .number(), "Frames a second, where they are known."),
        .init("seconds", .number(), "From the opening to the first picture."),
        .init("picture", .text(), "The first picture: a JPEG file of at most 320 pixels a side, in Base64."),
    ])

    private static let streamKeys: [Schema.Property] = [
        .init("name", .name, required: true),
        .init("uri", .text(1...4096), required: true, "What GStreamer can open; a bare path is a file."),
        .init("template", .text(1...64), "Pipeline template."),
        .init("fps", .number(0.001...60), "Sampled frames a second."),
        .init("decode", .word(["auto", "keyframes", "all"])), .init("realtime", .truth), .init("loop", .truth),
        .init(
            "launch", .text(1...4096),
            "The launch line of template `custom`, where the configuration lets clients write one."),
        .init("gate", .number(0.001...255), "Levels by which a block of the picture must change."),
        .init("labels", .list(.name), "Words that queries select streams by."),
        .init(
            "regions", .object([], others: .list(.number(0...1), 4...4)),
            "Parts of the picture: [x, y, width, height] in fractions of it."),
        .init("snapshots", .truth), .init("history", .truth, "Whether the history keeps its embeddings."),
        .init("clips", .truth, "Whether its events keep clips, where the daemon does."),
        .init("frozen", .number(1...86_400)),
        .init("credentials", .text(1...4096), "A name of the configuration's `credentials`."),
        .init(
            "transport", .word(RTSPTransport.allCases.map(\.rawValue)),
            "How an RTSP camera's packets come; auto takes UDP where the camera refuses TCP."),
        .init(
            "tls", .object([.init("ca", .text(1...4096)), .init("fingerprint", .text(71...104))]),
            "Whose certificate is trusted: a PEM file, or sha256: and its fingerprint."),
        .init("connect", .number(0.5...3600), "Seconds that a live source may take to send anything."),
        .init("stall", .number(0.5...3600), "Seconds of silence after which a live source is opened again."),
        .init(
            "backoff", .object([.init("first", .number(0.1...3600)), .init("most", .number(0.1...86_400))]),
            "Seconds until it is opened again: at first, and at most."),
    ]

    private static let streamStatus = Schema.object(
        [
            .init("name", .name, required: true), .init("uri", .text(), required: true),
            .init("state", .text(), required: true), .init("reason", .text()), .init("since", .moment, required: true),
            .init("restarts", .integer(), required: true), .init("stalls", .integer(), required: true),
            .init("failures", .integer(), required: true), .init("changes", .integer(), required: true),
            .init("abandoned", .integer(), required: true), .init("live", .truth, required: true),
            .init("fps", .number(), required: true), .init("decoding", .text(), required: true),
            .init("skippedUnits", .integer(), required: true), .init("returnsToAll", .integer(), required: true),
            .init("sampled", .integer(), required: true), .init("gated", .integer(), required: true),
            .init("effectiveFps", .number(), required: true), .init("shed", .integer(), required: true),
            .init("dropped", .integer(), required: true), .init("lag", .number(), required: true),
            .init("picture", .text(), required: true),
            .init("regions", .list(.text()), required: true), .init("labels", .list(.text()), required: true),
            .init(
                "rectangles", .object([], others: .list(.number(0...1), 4...4)), required: true,
                "The regions by name: [x, y, width, height] in fractions of the picture."),
            .init("source", .word(ConfigurationSource.allCases.map(\.rawValue)), required: true),
            .init(
                "recording",
                .object([
                    .init("codec", .text()), .init("width", .integer()), .init("height", .integer()),
                    .init("seconds", .number(), required: true), .init("bytes", .integer(), required: true),
                    .init("clips", .truth, required: true), .init("problem", .text()),
                ]), "The coded video that comes, and what is held of it."),
        ], others: .anything)

    private static let status = Schema.object(
        [
            .init("version", .text(), required: true), .init("model", .text(), required: true),
            .init("head", .text(), required: true), .init("frames", .integer(), required: true),
            .init("uptime", .number(), required: true), .init("queries", .integer(), required: true),
            .init("streams", .list(.reference("StreamStatus")), required: true),
            .init("encoded", .integer(), required: true), .init("gated", .integer(), required: true),
            .init("blind", .integer(), required: true),
            .init(
                "thresholds",
                .object([
                    .init("learning", .integer(), required: true), .init("pinned", .integer(), required: true),
                    .init("drifted", .integer(), required: true),
                ]), required: true),
            .init(
                "importing",
                .object([.init("done", .integer(), required: true), .init("total", .integer(), required: true)])),
            .init("scored", .integer(), required: true), .init("rescored", .integer(), required: true),
            .init("undecided", .integer(), required: true), .init("events", .integer(), required: true),
            .init("waitingMessages", .integer(), required: true), .init("coalescedUpdates", .integer(), required: true),
            .init(
                "storm",
                .object(
                    [
                        .init("since", .moment, required: true), .init("queries", .integer(), required: true),
                        .init(
                            "most",
                            .list(
                                .object([
                                    .init("query", .name, required: true),
                                    .init("messages", .integer(), required: true),
                                ])), required: true, "Those with the most messages."),
                    ], others: .anything), "While events come faster than they are told: the queries that make it."),
            .init("failedBatches", .integer(), required: true), .init("waiting", .integer(), required: true),
            .init("seq", .integer(), required: true), .init("journaled", .truth, required: true),
            .init(
                "journal",
                .object(
                    [
                        .init("journaled", .truth, required: true), .init("backlog", .integer(), required: true),
                        .init("lost", .integer(), required: true), .init("problem", .text()), .init("damage", .text()),
                        .init("identity", .text(), required: true), .init("notes", .list(.text())),
                    ], others: .anything), required: true),
            .init(
                "history",
                .object([
                    .init("bytes", .integer(), required: true), .init("recorded", .integer(), required: true),
                    .init("dropped", .integer(), required: true), .init("lost", .integer(), required: true),
                    .init("pictures", .integer(), required: true),
                    .init("picturesDropped", .integer(), required: true),
                    .init("picturesLost", .integer(), required: true), .init("problem", .text()),
                ]), "None where no history is kept."),
            .init(
                "clips",
                .object([
                    .init("writing", .object([], others: .integer()), required: true, "Clips on their way, by stream."),
                    .init("written", .integer(), required: true), .init("cut", .integer(), required: true),
                    .init("refused", .integer(), required: true), .init("empty", .integer(), required: true),
                    .init("failed", .integer(), required: true), .init("clips", .integer(), required: true),
                    .init("bytes", .integer(), required: true), .init("problem", .text()),
                ]), "None where no clips are kept."),
            .init("notifiers", .list(.reference("Notifier")), required: true),
            .init("rssMB", .number(), required: true),
        ], others: .anything)

    /// The schema of a notifier's state; a notifier sends alerts to a webhook or an MQTT broker.
    private static let notifier = Schema.object(
        [
            .init("name", .name, required: true), .init("format", .text(), required: true),
            .init("host", .text(), required: true, "The receiver's host; the rest of its address may be secret."),
            .init(
                "source", .word(["file", "socket"]), required: true,
                "Whether it is of the configuration, or was added through a socket."),
            .init("state", .word(["idle", "sending", "keeping", "failing", "gone", "dead"]), required: true),
            .init("problem", .text(), "Why the last attempt failed."), .init("failingFor", .number()),
            .init("delivered", .integer(), required: true), .init("failures", .integer(), required: true),
            .init("summarised", .integer(), required: true, "Alerts that summaries have stood for."),
            .init("waiting", .integer(), required: true),
            .init("oldest", .number(), required: true, "Age in seconds of the oldest alert that waits."),
            .init("seq", .integer(), required: true, "Everything up to this number is done."),
        ], others: .anything)

    // MARK: Events

    /// The schema of a published message, such as one about an event's start or end, or a stream's state.
    private static let message = Schema.object(
        [.init("v", .integer(1...1), required: true), .init("seq", .integer(), required: true)], others: .anything)

    package static let entry = Schema.object([
        .init("topic", .text(), required: true), .init("body", .reference("Message"), required: true),
    ])
}

// MARK: - History, backtests and suggestions

extension Schemas {
    fileprivate static let moment = Schema.object(
        [
            .init("stream", .text(), required: true), .init("file", .text()), .init("start", .moment),
            .init("end", .moment), .init("peak", .moment), .init("score", .number(), required: true),
            .init("head", .text(), required: true),
            .init("rank", .number(0...1), required: true, "Share of the stream's windows that score less."),
            .init("approximate", .truth, "Whether the mean head chose it, and another scored its windows alone."),
            .init("preview", .text(), "Path of a picture near its peak, where one is kept."),
            .init(
                "media",
                .object([
                    .init("start", .number(), required: true), .init("end", .number(), required: true),
                    .init("peak", .number(), required: true),
                ]), required: true),
        ], others: .anything)

    private static let spans = Schema.list(
        .object([.init("from", .moment, required: true), .init("to", .moment, required: true)]))

    fileprivate static let backtested = Schema.object(
        [
            .init("from", .moment, required: true), .init("to", .moment, required: true),
            .init(
                "streams",
                .list(
                    .object(
                        [
                            .init("stream", .text(), required: true), .init("windows", .integer(), required: true),
                            .init("first", .moment), .init("last", .moment),
                            .init(
                                "covered_s", .number(), required: true,
                                "Seconds that were recorded, hours in which the query is not active included."),
                            .init("gaps", spans, required: true, "Where nothing was recorded."),
                            .init(
                                "alerts",
                                .list(
                                    .object([
                                        .init("start", .moment, required: true), .init("end", .moment, required: true),
                                        .init("peak", .moment, required: true),
                                        .init("score", .number(), required: true),
                                    ])), required: true, "The newest 1000."),
                            .init("count", .integer(), required: true),
                            .init("per_day", .number(), required: true, "Alerts a day of what was recorded."),
                            .init("threshold", .number()), .init("undecided", .integer(), required: true),
                            .init(
                                "curve",
                                .list(
                                    .object([
                                        .init("threshold", .number(), required: true),
                                        .init("per_day", .number(), required: true),
                                    ])), required: true),
                            .init(
                                "proposed",
                                .object([
                                    .init("alerts_per_day", .number(), required: true),
                                    .init("threshold", .number(), required: true),
                                ])),
                        ], others: .anything)), required: true),
            .init(
                "undecided", .integer(), required: true,
                "Windows whose value lies within the history's own error of what it is compared with."),
            .init("skipped", .list(.text()), required: true),
        ], others: .anything)

    fileprivate static let suggestions = Schema.object([
        .init("query", .name, required: true),
        .init("alerts", .integer(), required: true, "Alerts over the history, as the query is now."),
        .init("right", .integer(), required: true, "Of its marked events those that the history has."),
        .init("wrong", .integer(), required: true),
        .init(
            "proposals",
            .list(
                .object([
                    .init("changes", .object([], others: .anything), required: true, "What `query.update` takes."),
                    .init("alerts", .integer(), required: true), .init("wrong_left", .integer(), required: true),
                    .init("right_lost", .integer(), required: true),
                ])), required: true),
    ])

    fileprivate static let history = Schema.object(
        [
            .init("directory", .text(), required: true), .init("days", .number(), required: true),
            .init("gigabytes", .number(), required: true), .init("bytes", .integer(), required: true),
            .init("recorded", .integer(), required: true), .init("dropped", .integer(), required: true),
            .init("lost", .integer(), required: true), .init("removed", .integer(), required: true),
            .init("pictures", .integer(), required: true), .init("picturesDropped", .integer(), required: true),
            .init("picturesLost", .integer(), required: true),
            .init("problem", .text()), .init("flushed", .moment),
            .init(
                "streams",
                .list(
                    .object([
                        .init("stream", .text(), required: true), .init("bytes", .integer(), required: true),
                        .init("first", .text(), required: true), .init("last", .text(), required: true),
                        .init("models", .list(.text()), required: true),
                    ])), required: true),
        ], others: .anything)
}
