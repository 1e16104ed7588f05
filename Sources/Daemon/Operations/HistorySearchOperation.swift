import CLIP
import ControlAPI
import Engine
import Foundation
import History
import Journal
import Matching
import Publishing
import Segments
import Tensors
import WatchwordConfiguration
import WireFormat

/// The control operation `history.search`: finds recorded moments that fit a description or resemble a moment or event.
struct HistorySearchOperation {
    private let daemon: WatchwordDaemon
    private let history: DaemonHistory
    private let caller: Caller
    /// The request's arguments about the search, such as times and limit; `described` has those that describe a query.
    private let own: JSONValue
    private let described: JSONValue

    init(_ daemon: WatchwordDaemon, _ args: JSONValue, _ caller: Caller) throws {
        (self.daemon, self.caller) = (daemon, caller)
        history = try HistoryOperations.history(daemon)
        (own, described) = try HistoryOperations.parted(args, ["from", "to", "limit", "sort", "event", "moment"])
    }

    func run() async throws -> JSONValue {
        let wanted = try await wanted()
        var query = wanted.query
        let selector = wanted.selector
        (query.from, query.to) = (try HistoryOperations.time(own, "from"), try HistoryOperations.time(own, "to"))
        query.limit = Int(own["limit"]?.integer ?? 10)
        query.sort = own["sort"]?.string.flatMap(HistoryQuery.Sort.init) ?? .score
        let labels = await daemon.streams.labels
        query.selects = { [caller] in caller.sees($0) && selector.matches($0, labels: labels[$0] ?? []) }
        let result = try await history.search(query, wanted.embedding, frames: wanted.frames)
        try Task.checkCancellation()
        return .object([
            "moments": .array(try await history.shown(result.moments.first ?? []).map { try JSONValue(encoding: $0) }),
            "windows": .integer(Int64(result.windows)), "streams": .integer(Int64(result.streams)),
            "skipped": .array(
                HistoryOperations.shown(result.skips.sentences, to: caller).map { .string($0) }),
        ])
    }

    /// A prepared search: the query, its embedding, the window length, and the streams to search.
    private struct Wanted {
        let query: HistoryQuery
        /// The embedding to search for, not normalised, from the text tower or from the history.
        let embedding: [Float]
        /// The number of frames in a window; not used for the head "mean", whose embeddings are recorded.
        let frames: Int
        let selector: StreamSelector
    }

    private func wanted() async throws -> Wanted {
        let point = try await point()
        var from = try QueryConfiguration(json: point == nil ? described : Self.alike(described))
        // All heads use the same embedding of the text, so the draft is made for the head "mean".
        let (head, frames) = (from.head ?? "mean", from.frames)
        try history.check(head: head, isLike: point != nil)
        from.head = "mean"
        from.threshold = from.threshold ?? 0
        let embedding: [Float]
        let standing: StandingQuery
        if let point {
            standing = try daemon.defaults.query(from)
            guard caller.sees(point.stream), let found = try await history.embedding(point, head: head, frames: frames)
            else {
                throw ControlFailure(.notFound, Self.nothing(point, head))
            }
            embedding = found
        } else {
            let draft = try await daemon.queries.draft(from)
            (embedding, standing) = (draft.embedding.query, draft.query)
        }
        let model = daemon.engine.model
        var query = HistoryQuery(
            texts: [Products.unit(embedding)], model: model.historyIdentity, width: model.architecture.embedding)
        (query.head, query.frames) = (head, frames)
        return Wanted(
            query: query, embedding: embedding, frames: standing.frames, selector: standing.settings.selector)
    }

    /// Returns the description for a search by a moment, with a placeholder text; throws if it has a text or pictures.
    private static func alike(_ described: JSONValue) throws -> JSONValue {
        guard case .object(var members) = described else { return described }
        for key in ["text", "phrasings", "images", "prompts"] where members[key] != nil {
            throw ControlFailure(
                .badArgument, "\(key): expected nothing beside event or moment, which stand in its place")
        }
        members["text"] = .string("like")
        return .object(members)
    }

    private static func nothing(_ point: HistoryPoint, _ head: String) -> String {
        var at = ""
        if case .wall(let seconds) = point.time { at = " at \(Moment(secondsSince1970: seconds))" }
        return "the history has no window of stream \"\(point.stream)\"\(at) by head \"\(head)\""
    }

    /// Returns the moment to which found moments shall be similar; nil for a search by description.
    private func point() async throws -> HistoryPoint? {
        switch (own["event"], own["moment"]) {
        case (nil, nil): return nil
        case (.some, .some): throw ControlFailure(.badArgument, "event, moment: expected one of them, found both")
        case (nil, .some(let moment)):
            guard let stream = moment["stream"]?.string, let at = try HistoryOperations.time(moment, "at") else {
                throw ControlFailure(.badArgument, "moment: expected stream and at")
            }
            return HistoryPoint(stream: stream, time: .wall(at))
        case (.some(let event), nil):
            let name = event.string ?? ""
            guard let entry = try await daemon.outbox.newest(ofEvent: name), caller.sees(entry.watched ?? "") else {
                throw ControlFailure(.notFound, "there is no event \"\(name.prefix(64))\" in the journal")
            }
            let body = try JSONText.parse(entry.body)
            guard let stream = body["stream"]?.string, let peak = body["peak"]?["at"]?.string, let at = Moment(peak)
            else { throw ControlFailure(.notFound, "event \"\(name.prefix(64))\" has no peak") }
            return HistoryPoint(stream: stream, time: .wall(at.secondsSince1970))
        }
    }
}
