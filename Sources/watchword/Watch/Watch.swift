import ArgumentParser
import CLIP
import CommandSupport
import Daemon
import Engine
import Foundation
import Heads
import Ingest
import Matching
import StreamSources
import WatchwordConfiguration

/// `watchword watch`: watches one stream to its end, without a daemon.
struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch one stream to its end, without a daemon.",
        discussion: "Prints events as they happen. With --scores, every window's scores are written as JSON lines.")

    @Argument(help: "A file, rtsp://, http(s)://, v4l2:///dev/video0, test://ball or shapes://7.")
    var uri: String
    @Option(
        name: .long, parsing: .upToNextOption,
        help: "What to watch for; may be given several times. One that begins with a hyphen: --query=\"-text\".")
    var query: [String] = []
    @Option(help: "A YAML file of queries.")
    var queries: String?
    @Option(
        name: .long, parsing: .unconditionalSingleValue,
        help: "A prompt template, \"a photo of {}\"; several are averaged.")
    var prompt: [String] = []
    @OptionGroup var model: ModelOptions
    @Option(help: "The temporal head: mean, lstm, transformer, tight, xpool, tmass, or a plugin's name.")
    var head: String?
    @Option(parsing: .unconditional, help: "Sampled frames a second.")
    var fps: Double?
    @Option(parsing: .unconditional, help: "Frames in a window; with --clip, the most that are kept.")
    var frames: Int?
    @Option(parsing: .unconditional, help: "Score that starts an event.")
    var threshold: Double?
    @Option(help: "Queries a window that a head of texts and windows scores; the mean head chooses them.")
    var rerank = StandingQuery.defaultRerank
    @Option(help: "Write every window's scores to this file, as JSON lines.")
    var scores: String?
    @Option(help: "What of a live source is decoded: all, keyframes, or auto; of a file, all by default.")
    var decode: DecodeMode?
    @Flag(help: "Play a file at its own speed.")
    var realtime = false
    @Option(
        parsing: .unconditional,
        help: "Levels by which a block of the picture must change for a frame to be embedded anew; off by default.")
    var gate: Double?
    @Option(help: "A file of user:password for the source, so that its URI needs none.")
    var credentials: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var clip: ClipOptions
    @Flag(help: "Score windows that are not full yet, too.")
    var partial = false
    @Option(help: "A pipeline template, instead of the one the URI asks for.")
    var template: String?
    @Option(help: "The stream's name in events.")
    var name = "watch"
    @Flag(help: "Print events as JSON, one a line, as on the wire.")
    var json = false

    /// The threshold of a query that is only scored and never has events: no score reaches it.
    static let noThreshold: Float = 1e9

    func validate() throws {
        if query.isEmpty && queries == nil { throw ValidationError("give at least one --query or a file of --queries") }
        if let fps, !(fps > 0 && fps <= 1000) { throw ValidationError("--fps must be above 0") }
        if let frames, !(1...1024).contains(frames) { throw ValidationError("--frames must be 1 to 1024") }
        if let gate, !(gate > 0 && gate <= 255) { throw ValidationError("--gate must be above 0 and up to 255") }
        if rerank < 1 { throw ValidationError("--rerank must be 1 or more") }
        if !Name.isValid(name) { throw ValidationError("--name must be letters, digits, hyphens or underscores") }
    }

    func run() async throws {
        try await Exit.guarding { try await watch() }
    }

    private func watch() async throws {
        let directory = try model.directory()
        let finder = HeadFinder.standard()
        let defaults = Defaults(
            model: directory, finder: finder, head: head, frames: frames, fps: fps, threshold: threshold,
            prompts: prompt.isEmpty ? nil : prompt)
        let engine = try ScoringEngine(
            model: directory, finder: finder, precision: model.precision, partial: partial, rerank: rerank)
        let count = try await addQueries(to: engine, defaults)
        let templates = try PipelineTemplates(directory: Installation.pipelines)
        let source = defaults.source(try stream())
        let output = try scores.map { path in try FileWriter(path) }
        if clip.clip {
            let session = ClipSession(
                engine: engine, name: name, source: source, templates: templates, sampling: try clip.sampling,
                selection: clip.select, maxFrames: defaults.frames)
            return try await say(session.run(), output)
        }
        let session = WatchSession(engine: engine, name: name, source: source, templates: templates)
        let summary = try await run(session, output)
        try output?.close()
        try say(summary, queries: count)
    }

    /// Adds the queries of the options and of the query file, each with a unique id; returns their number.
    private func addQueries(to engine: ScoringEngine, _ defaults: Defaults) async throws -> Int {
        var wanted = query.map { QueryConfiguration(text: $0) }
        if let queries { wanted += try QueryConfiguration.load(queries) }
        // With --scores or --clip, a query without a threshold is only scored; no default threshold is guessed.
        let onlyScores = scores != nil || clip.clip
        var taken: Set<String> = []
        for var item in QueryNames.named(wanted) {
            let first = item.idOrSlug
            var id = first
            var copy = 2
            // The same text may be given several times, with different heads or thresholds.
            while !taken.insert(id).inserted {
                id = "\(first.prefix(56))-\(copy)"
                copy += 1
            }
            item.id = id
            // A clip is scored as one window, whatever window length its queries ask for.
            if clip.clip { item.frames = defaults.frames }
            if onlyScores, (try? defaults.query(item)) == nil {
                item.threshold = item.threshold ?? Double(Self.noThreshold)
            }
            let standing = try defaults.query(item)
            let pictures = try QueryPictures.decode(standing, framing: engine.model.preprocessing.framing)
            if try await engine.add(standing, pictures: pictures).truncated {
                Terminal.complain("query \"\(id)\": the text is longer than the model reads; the rest is ignored")
            }
        }
        return taken.count
    }

    /// Returns the stream that the options describe; throws `SourceError` if connection options contradict the URI.
    private func stream() throws -> StreamConfiguration {
        var stream = StreamConfiguration(name: name, uri: uri, fps: fps, realtime: realtime)
        stream.template = template
        // `auto` may decode only keyframes of a file played in real time, which would give other frames than without
        // --realtime.
        stream.decode = decode ?? (realtime ? .all : .auto)
        stream.gate = gate
        stream.credentials = credentials.map(SourceCredentials.absolute)
        (stream.transport, stream.tls) = (connection.transport, connection.tls)
        stream.snapshots = false
        if let problem = stream.connectionProblem { throw SourceError("\(problem.key): \(problem.reason)") }
        return stream
    }

    /// Runs a watch session to its end, or until SIGINT; returns the session's summary.
    private func run(_ session: WatchSession, _ output: FileWriter?) async throws -> WatchSession.Summary {
        let task = Task {
            try await session.run(wantScores: output != nil) { report in say(report, output) }
        }
        signal(SIGINT, SIG_IGN)
        let interrupt = DispatchSource.makeSignalSource(signal: SIGINT)
        interrupt.setEventHandler { task.cancel() }
        interrupt.resume()
        let summary = try await task.value
        interrupt.cancel()
        Terminal.progress("")
        return summary
    }

    /// Prints a summary, and how close queries without an event came to their thresholds.
    ///
    /// Throws the error that ended the source, if any; the summary then covers the frames before it.
    private func say(_ summary: WatchSession.Summary, queries: Int) throws {
        let failure = summary.failure.map { SourceError($0, isBadData: summary.isBadData) }
        if let failure, summary.frames == 0 { throw failure }
        if !json {
            Terminal.say(
                "\(summary.frames) frames sampled, "
                    + (gate == nil && summary.gated == 0 ? "" : "\(summary.gated) unchanged, ")
                    + (summary.blind == 0 ? "" : "\(summary.blind) of them black, frozen or without an edge, ")
                    + "\(summary.windows) windows scored, "
                    + (summary.rescored == 0 ? "" : "\(summary.rescored) of them again in f32, ")
                    + "\(summary.events) events, "
                    + "\(summary.dropped) frames dropped")
        }
        let report = NearnessReport(summary, queries: queries)
        if json { report.complain() } else { report.say() }
        if let failure { throw failure }
    }

    /// Prints a clip's scores, one line for each query, the best first.
    private func say(_ clip: ClipSession.Result, _ output: FileWriter?) throws {
        try output?.write(ScoreLine.lines(clip.scores))
        try output?.close()
        if json {
            for score in clip.scores { try Terminal.say(json: ScoreLine(score)) }
            return
        }
        Terminal.table(
            ["SCORE", "QUERY"],
            clip.scores.map { [$0.score.map { String(format: "%.3f", $0) } ?? "not re-ranked", $0.text] })
        Terminal.say("\(clip.sampled) frames sampled, \(clip.kept) kept")
    }

    /// Prints a report of a running watch session, or writes its scores to `output`.
    private func say(_ report: WatchSession.Report, _ output: FileWriter?) {
        switch report {
        case .detection(let detection, let seq, let prev):
            let message = detection.message(seq: seq, prev: prev)
            Terminal.progress("")
            if json { try? Terminal.say(json: message) } else { Terminal.say(styled: message.line) }
        case .scores(let scores):
            do { try output?.write(ScoreLine.lines(scores)) } catch { Exit.end(error) }
        case .progress(let frames, let mediaTime):
            Terminal.progress("\(frames) frames, \(String(format: "%.1f", mediaTime)) s of video")
        case .warning(let text):
            Terminal.complain(text)
        }
    }
}
