import Foundation
package import Journal
import Matching
package import Messaging

extension Detection {
    /// Topic of the event's messages: `match.<stream>.<query-id>`.
    package var topic: String { "match.\(stream).\(query.id)" }

    /// The event as it goes on the wire.
    package func message(seq: Int64, prev: Int64?) -> MatchMessage {
        MatchMessage(
            seq: seq, prev: prev, event: event, phase: "\(transition.phase)",
            query: .init(id: query.id, text: query.text, tags: query.tags), stream: stream,
            score: Double(transition.score),
            peak: .init(score: Double(transition.peak.score), at: Self.date(transition.peak.wallTime)),
            threshold: Double(query.threshold), head: query.head, model: model,
            start: Self.date(transition.wallStart), end: Self.date(transition.wallEnd),
            media: .init(start: transition.mediaStart, end: transition.mediaEnd))
    }

    /// The event for the journal, which gives it its numbers.
    package var pending: PendingMessage {
        let phase: EventMark.Phase =
            switch transition.phase {
            case .start: .start
            case .update: .update
            case .end: .end
            }
        return PendingMessage(
            topic: topic, query: query.id, stream: stream, event: EventMark(id: event, phase: phase)
        ) { seq, prev in try WireCoding.encode(self.message(seq: seq, prev: prev)) }
    }

    private static func date(_ seconds: Double) -> Date { Date(timeIntervalSince1970: seconds) }
}
