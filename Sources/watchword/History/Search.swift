import ArgumentParser
import Backtesting
import CLIP
import CommandSupport
import Concurrency
import Engine
import EvaluationRuns
import Foundation
import Heads
import History
import Matching
import Printing
import Segments
import Tensors
import WatchwordConfiguration
import WireFormat

struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find moments of a history by texts, pictures or another moment.",
        discussion: """
            Several texts and pictures are one query, as the phrasings of a standing query are. A moment is the best window of \
            its half minute, at least 30 s from any better one of its stream. RANK is the share of the stream's windows that \
            score less.
            """)

    @Argument(help: ArgumentHelp("What to search for; several texts are ways to say the same.", valueName: "texts"))
    var words: [String] = []
    @Option(
        name: .long, parsing: .unconditionalSingleValue, help: "The same, for a text that begins with a hyphen.")
    var text: [String] = []
    @Option(name: .long, help: "An example picture; may be given several times.")
    var image: [String] = []
    @Option(help: "In the place of texts: what was like the peak of this event of the daemon's.")
    var event: String?
    @Option(
        help: """
            In the place of texts: what was like a moment, as in lobby@2026-11-30T12:00:00Z, or court@12.5, seconds of a film.
            """)
    var like: String?
    @Option(help: "A history's directory; the daemon's own, which is asked, if left out.")
    var history: String?
    @OptionGroup var model: ModelOptions
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: "A stream or film by its name, or a selector (\"gate*\", \"!yard\"); may be given several times.")
    var stream: [String] = []
    @Option(
        help: "The earliest end of a window: a time (2026-11-30T12:00:00Z), or of films seconds from the beginning.")
    var from: String?
    @Option(help: "The end of that span, not included.")
    var to: String?
    @Option(help: "The temporal head; mean by default. What was not recorded by another, mean chooses and it scores.")
    var head = "mean"
    @Option(parsing: .unconditional, help: "Frames in a window; as the history was written, by default.")
    var frames: Int?
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: "A prompt template, \"a photo of {}\"; several are averaged.")
    var prompt: [String] = []
    @Option(parsing: .unconditional, help: "Moments to print: at most 1000 of the daemon, 10000 with --history.")
    var limit = 10
    @Option(help: "score: the best first; time: these, the newest first.")
    var sort = HistoryQuery.Sort.score
    @OptionGroup var daemon: DaemonOptions

    private var texts: [String] { words + text }

    /// The greatest number of moments that the operation `history.search` returns.
    private static let mostAsked = 1000

    func validate() throws {
        let given = [!(texts.isEmpty && image.isEmpty && prompt.isEmpty), event != nil, like != nil].count { $0 }
        if given != 1 { throw ValidationError("give texts and --image, or --event, or --like") }
        if texts.isEmpty, image.isEmpty, !prompt.isEmpty { throw ValidationError("give at least one text or --image") }
        if history != nil, event != nil {
            throw ValidationError("--event is of the daemon's journal; with --history give --like STREAM@TIME")
        }
        if let like {
            let point = try Self.point(like)
            if history == nil, case .media = point.time {
                throw ValidationError("--like: expected a time like 2026-11-30T12:00:00Z; seconds are for films")
            }
        }
        if history == nil, model.model != Installation.model.path {
            throw ValidationError("--model is for --history; the daemon searches with its own model")
        }
        if !(1...10_000 ~= limit) { throw ValidationError("--limit must be 1 to 10000") }
        if history == nil, limit > Self.mostAsked {
            throw ValidationError("--limit: the daemon gives at most \(Self.mostAsked) moments; --history gives 10000")
        }
        if let frames, !(1...SegmentHeader.longestWindow ~= frames) {
            throw ValidationError("--frames must be 1 to \(SegmentHeader.longestWindow)")
        }
        for (name, time) in [("--from", from), ("--to", to)] {
            if let time, Double(time) == nil, Moment(time) == nil {
                throw ValidationError("\(name) must be a time like 2026-11-30T12:00:00Z, or seconds of a film")
            }
        }
        _ = try selection()
    }

    func run() async throws {
        try await Exit.guarding {
            guard let history else { return try say(ask()) }
            let directory = try model.directory()
            let folder = HistoryFolder(history)
            guard FileManager.default.fileExists(atPath: folder.path) else {
                throw UnreadableFile(path: history, why: "there is no such directory")
            }
            let embedding = try await embedding(directory)
            let query = try query(embedding, directory)
            let replayed = try replayed(embedding, directory)
            let result = try await offPoolThrowing {
                let progress = { @Sendable (share: Double) in Terminal.progress("searched \(Int(share * 100)) %") }
                return try replayed?.run(folder, query, progress: progress)
                    ?? HistorySearch(folder).run(query, progress: progress)
            }
            Terminal.progress("")
            let found = Found(
                moments: (result.moments.first ?? []).map { MomentLine($0) }, windows: result.windows,
                streams: result.streams, skipped: result.skips.sentences)
            try say(found)
        }
    }

    /// Returns the search for a head other than the mean head, whose scores are computed anew from stored frames.
    ///
    /// Nil for the mean head, which needs no such search.
    private func replayed(_ embedding: [Float], _ directory: ModelDirectory) throws -> ReplayedSearch? {
        guard head != "mean" else { return nil }
        return try ReplayedSearch(
            embedding, head: head, frames: frames ?? directory.defaults.frames, model: directory, finder: .standard())
    }

    /// The result of a search, made in this process or by the daemon.
    private struct Found: Decodable {
        var moments: [MomentLine]
        var windows: Int
        var streams: Int
        var skipped: [String]
    }

    /// Asks the daemon to search its own history; the daemon's model embeds the query.
    private func ask() throws -> Found {
        let folder = URL(filePath: FileManager.default.currentDirectoryPath)
        var keys: [String: JSONValue] = [
            "limit": .integer(Int64(limit)), "sort": .string(sort.rawValue), "head": .string(head),
        ]
        func list(_ values: some Collection<String>) -> JSONValue? {
            values.isEmpty ? nil : .array(values.map { .string($0) })
        }
        keys["text"] = texts.first.map { .string($0) }
        keys["phrasings"] = list(texts.dropFirst())
        keys["images"] = list(try image.map { PictureURI.encode(try PictureURI.read($0, from: folder)) })
        keys["prompts"] = list(prompt)
        keys["event"] = event.map { .string($0) }
        if let like {
            let (stream, time) = try Self.parted(like)
            keys["moment"] = .object(["stream": .string(stream), "at": .string(time)])
        }
        keys["streams"] = list(stream)
        keys["frames"] = frames.map { .integer(Int64($0)) }
        keys["from"] = from.map { .string($0) }
        keys["to"] = to.map { .string($0) }
        let result = try daemon.ask("history.search", .object(keys), timeout: 120)
        return try WireCoding.decode(Found.self, WireCoding.encode(result))
    }

    private func query(_ embedding: [Float], _ directory: ModelDirectory) throws -> HistoryQuery {
        var query = HistoryQuery(
            texts: [Products.unit(embedding)], model: directory.historyIdentity,
            width: directory.architecture.embedding)
        (query.head, query.frames, query.limit, query.sort) = (head, frames, limit, sort)
        query.selects = try selection()
        if let from {
            if let seconds = Double(from) { query.mediaFrom = seconds } else { query.from = Self.wall(from) }
        }
        if let to { if let seconds = Double(to) { query.mediaTo = seconds } else { query.to = Self.wall(to) } }
        return query
    }

    /// Returns the embedding to search for: that of the moment of `--like`, or of the texts and pictures.
    private func embedding(_ directory: ModelDirectory) async throws -> [Float] {
        if let like, let history {
            if head != "mean", try !HeadFinder.standard().load(head).pools {
                throw ValidationError("--like: head \(head) pairs texts and windows: give texts")
            }
            let (point, head, frames) = (try Self.point(like), head, frames)
            let (folder, width) = (HistoryFolder(history), directory.architecture.embedding)
            let model = directory.historyIdentity
            let found = await offPool {
                point.embedding(folder, model: model, width: width, head: head, frames: frames)
            }
            guard let found else {
                throw UnreadableFile(path: history, why: "it has no window of this model and head \(head) at \(like)")
            }
            return found
        }
        let defaults = Defaults(
            model: directory, finder: .standard(), head: "mean", threshold: Double(Watch.noThreshold),
            prompts: prompt.isEmpty ? nil : prompt)
        var wanted = QueryConfiguration(text: texts.first ?? "")
        wanted.id = "search"
        wanted.phrasings = texts.count > 1 ? Array(texts.dropFirst()) : nil
        wanted.images = image.isEmpty ? nil : image
        let standing = try defaults.query(wanted)
        let pictures = try QueryPictures.decode(standing, framing: directory.preprocessing.framing)
        let engine = try ScoringEngine(model: directory, finder: .standard(), precision: model.precision)
        let embedding = try await engine.embed(standing, pictures: pictures)
        if embedding.truncated { Terminal.complain("a text is longer than the model reads; the rest is ignored") }
        return embedding.query
    }

    /// Splits a moment, written as STREAM@TIME, at the last @.
    private static func parted(_ text: String) throws -> (stream: String, time: String) {
        guard let at = text.lastIndex(of: "@"), at > text.startIndex else {
            throw ValidationError("--like: expected STREAM@TIME, found \"\(text)\"")
        }
        return (String(text[..<at]), String(text[text.index(after: at)...]))
    }

    private static func point(_ text: String) throws -> HistoryPoint {
        let (stream, time) = try parted(text)
        if let seconds = Double(time), seconds.isFinite { return HistoryPoint(stream: stream, time: .media(seconds)) }
        guard let wall = wall(time) else {
            throw ValidationError("--like: expected a time like 2026-11-30T12:00:00Z, or seconds of a film")
        }
        return HistoryPoint(stream: stream, time: .wall(wall))
    }

    private static func wall(_ text: String) -> Double? { Moment(text)?.secondsSince1970 }

    /// Returns a function that selects streams: by exact name, or by a selector such as `gate*` or `!yard`.
    private func selection() throws -> @Sendable (String) -> Bool {
        guard !stream.isEmpty else { return { _ in true } }
        let names = Set(stream)
        let selector = try? StreamSelector(stream)
        if selector == nil, stream.contains(where: { $0.contains("*") || $0.hasPrefix("!") }) {
            _ = try StreamSelector(stream)
        }
        return { names.contains($0) || (selector?.matches($0) ?? false) }
    }

    private func say(_ found: Found) throws {
        for problem in found.skipped { Terminal.complain("left out: \(problem)") }
        if daemon.json { return try found.moments.forEach { try Terminal.say(json: $0) } }
        Terminal.table(["SCORE", "RANK", "START", "LASTS", "PEAK", "STREAM"], found.moments.map(\.cells))
        if found.moments.contains(where: { $0.approximate == true }) {
            Terminal.say(
                "~ the mean head chose these moments (its best \(ReplayedSearch.candidates)), and head \(head) scored "
                    + "them: better ones may be missing")
        }
        Terminal.say(
            "\(found.windows) windows of \(found.streams) stream\(found.streams == 1 ? "" : "s") searched"
                + (found.windows == 0 ? ": nothing of this model and head \(head) is there" : ""))
    }
}

extension HistoryQuery.Sort: ExpressibleByArgument {}
