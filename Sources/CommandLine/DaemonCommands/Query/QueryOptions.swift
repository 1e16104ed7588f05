import ArgumentParser
import Foundation
import StreamSources
import WatchwordConfiguration
import WireFormat

/// The options that describe a query: each sets one key, and keys without an option stay unchanged.
struct QueryOptions: ParsableArguments {
    @Option(name: .long, parsing: .unconditionalSingleValue, help: "Another way to say it; all are averaged.")
    var phrasing: [String] = []
    @Option(name: .long, help: "An example picture (JPEG, PNG, WebP, GIF, BMP, TIFF), alone or beside the text.")
    var image: [String] = []
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: "A prompt template, \"a photo of {}\"; several are averaged.") var prompt: [String] = []
    @Option(help: "The head.") var head: String?
    @Option(parsing: .unconditional, help: "Frames in a window.") var frames: Int?

    @Option(parsing: .unconditional, help: "The rule: a score that starts an event.") var threshold: Double?
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: "The rule: a text that it must be likelier than; may be given several times.")
    var against: [String] = []
    @Option(parsing: .unconditional, help: "How likely it must be among the texts of --against; 0.5, if left out.")
    var probability: Double?
    @Option(
        parsing: .unconditional,
        help: "The rule: learn the threshold that gives this many false alerts a day on each stream.")
    var falseAlertsPerDay: Double?

    @Option(parsing: .unconditional, help: "How far below the threshold an event ends.") var hysteresis: Double?
    @Option(parsing: .unconditional, help: "Seconds that a match must last.") var minimumDuration: Double?
    @Option(help: "Windows that must match of the last so many, as in 2/3.") var confirm: String?
    @Option(parsing: .unconditional, help: "Seconds after an event in which there is no other.") var cooldown: Double?
    @Option(help: "Queries of one group have one alert together.") var group: String?
    @Option(parsing: .unconditional, help: "The highest priority in a group leads its event.") var priority: Int?

    @Option(name: .long, help: "A stream, glob, stream/region, or !name to exclude; all streams, if left out.")
    var stream: [String] = []
    @Option(name: .long, help: "A label of streams to watch.") var label: [String] = []
    @Option(
        name: .long,
        help: """
            Hours in which it is watched: a zone, then days and spans of time, as in \
            "Europe/Berlin mon-fri 22:00-06:00".
            """
    )
    var active: [String] = []
    @Option(help: "The moment from which it is watched no more, as in 2030-01-31T18:00:00Z.") var expires: String?
    @Option(name: .long, parsing: .unconditionalSingleValue, help: "A tag for subscribers.") var tag: [String] = []
    @Option(name: .long, parsing: .unconditionalSingleValue, help: "Something to keep with it, as in owner=alice.")
    var metadata: [String] = []
    @Flag(inversion: .prefixedNo, help: "Keep the picture of an event's peak.") var snapshot: Bool?
    @Flag(inversion: .prefixedNo, help: "Keep a clip of an event's stream, where those are recorded.") var clips: Bool?

    func validate() throws {
        let rules = [threshold != nil, !against.isEmpty, falseAlertsPerDay != nil].count { $0 }
        if rules > 1 {
            throw ValidationError("give one rule: --threshold, --against, or --false-alerts-per-day")
        }
        for pair in metadata where !pair.contains("=") {
            throw ValidationError("--metadata takes key=value, and \"\(pair)\" has no =")
        }
        for text in active where text.split(separator: " ").count > 3 || text.allSatisfy(\.isWhitespace) {
            throw ValidationError("--active takes a zone, days, and spans of time, apart by one space each")
        }
    }

    /// Returns the keys that the options give, in the form that the daemon's `query.add` and `query.update` expect.
    ///
    /// It reads the example pictures, since the daemon opens no file for a client; throws `SourceError` if one cannot
    /// be read.
    func given() throws -> [String: JSONValue] {
        func texts(_ values: [String]) -> JSONValue? {
            values.isEmpty ? nil : .array(values.map { .string($0) })
        }
        let folder = URL(filePath: FileManager.default.currentDirectoryPath)
        var keys: [String: JSONValue?] = [
            "phrasings": texts(phrasing), "prompts": texts(prompt), "tags": texts(tag), "against": texts(against),
            "streams": texts(stream + label.map { "label:\($0)" }),
            "images": texts(try image.map { try Self.picture($0, folder) }),
            "head": head.map { .string($0) }, "frames": frames.map { .integer(Int64($0)) },
            "threshold": threshold.map { .number($0) }, "probability": probability.map { .number($0) },
            "false_alerts_per_day": falseAlertsPerDay.map { .number($0) },
            "hysteresis": hysteresis.map { .number($0) }, "minimum_duration": minimumDuration.map { .number($0) },
            "confirm": confirm.map { .string($0) }, "cooldown": cooldown.map { .number($0) },
        ]
        keys["group"] = group.map { .string($0) }
        keys["priority"] = priority.map { .integer(Int64($0)) }
        keys["expires"] = expires.map { .string($0) }
        keys["snapshot"] = snapshot.map { .bool($0) }
        keys["clips"] = clips.map { .bool($0) }
        if !active.isEmpty { keys["active"] = .array(active.map(Self.active)) }
        if !metadata.isEmpty {
            let pairs = metadata.map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), JSONValue.string(String(parts[1])))
            }
            keys["metadata"] = .object(Dictionary(pairs) { $1 })
        }
        return keys.compactMapValues { $0 }
    }

    private static func picture(_ path: String, _ folder: URL) throws -> String {
        // A missing file and a file that is no picture give different exit codes.
        guard FileManager.default.isReadableFile(atPath: path) else { throw SourceError("\(path) cannot be read") }
        return PictureURI.encode(try PictureURI.read(path, from: folder))
    }

    /// Parses active hours such as "Europe/Berlin mon-fri 08:00-12:00,13:00-18:00"; days and hours may be left out.
    private static func active(_ text: String) -> JSONValue {
        let words = text.split(separator: " ")
        var part: [String: JSONValue] = ["zone": .string(String(words[0]))]
        for word in words.dropFirst() {
            let values = word.split(separator: ",").map { JSONValue.string(String($0)) }
            part[word.contains(":") ? "hours" : "days"] = .array(values)
        }
        return .object(part)
    }
}
