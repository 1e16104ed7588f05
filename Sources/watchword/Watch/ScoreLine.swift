import Engine
import Foundation
import Matching
import WireFormat

/// A line of `watchword watch --scores`: the score of one query on one window.
struct ScoreLine: Encodable {
    struct QueryName: Encodable {
        let id: String
        let text: String
    }
    let stream: String
    /// The media time of the window's first frame, in seconds; `end` is that of its last frame.
    let start: Double
    let end: Double
    let query: QueryName
    let head: String
    /// The score; null if the query was not scored on this window, or if its score is no number.
    ///
    /// A head that scores (text, window) pairs scores only the queries with the best scores by the mean head.
    let score: JSONValue

    init(_ score: WindowScore) {
        stream = score.stream
        start = score.span.mediaStart
        end = score.span.mediaEnd
        query = QueryName(id: score.query, text: score.text)
        head = score.head
        if let value = score.score, value.isFinite {
            self.score = .number(Double(value))
        } else {
            self.score = .null
        }
    }

    /// Encodes scores as JSON lines.
    static func lines(_ scores: [WindowScore]) throws -> Data {
        try scores.map { try WireCoding.encode(ScoreLine($0)) }.reduce(into: Data()) { $0 += $1 + Data("\n".utf8) }
    }
}
