import Engine
import Foundation
import Matching
import WireFormat

/// One window's score of one query: a line of `watch --scores`.
struct ScoreLine: Encodable {
    struct QueryName: Encodable {
        let id: String
        let text: String
    }
    let stream: String
    /// Seconds of media time of the window's first and last frame.
    let start: Double
    let end: Double
    let query: QueryName
    let head: String
    /// Null if a pairing head did not score the window: the mean head chose other candidates.
    let score: JSONValue

    init(_ score: WindowScore) {
        stream = score.stream
        start = score.span.mediaStart
        end = score.span.mediaEnd
        query = QueryName(id: score.query, text: score.text)
        head = score.head
        self.score = score.score.map { .number(Double($0)) } ?? .null
    }

    /// Encodes scores as JSON lines.
    static func lines(_ scores: [WindowScore]) -> Data {
        scores.compactMap { try? WireCoding.encode(ScoreLine($0)) }.reduce(into: Data()) { $0 += $1 + Data("\n".utf8) }
    }
}
