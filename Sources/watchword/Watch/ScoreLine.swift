import Engine
import Foundation
import Matching
import WireFormat

/// A line of `watch --scores`: the score of one window and one query.
struct ScoreLine: Encodable {
    struct QueryName: Encodable {
        let id: String
        let text: String
    }
    let stream: String
    /// The media times of the window's first and last frame, in seconds.
    let start: Double
    let end: Double
    let query: QueryName
    let head: String
    /// The score; null if the mean head did not choose the query for a pairing head.
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
