package import Engine
import Foundation
package import Journal
import Matching
package import WireFormat

extension Detection {
    /// The topic of the event's messages: `match.<stream>.<query-id>`.
    package var topic: String { Topic.match(stream: stream, query: query.id) }

    /// The event as it goes on the wire.
    ///
    /// `snapshot`: path of the peak's picture; `clips`: where the files of the video around it will be.
    package func message(
        seq: Int64, prev: Int64?, snapshot: String? = nil, clips: [String] = []
    ) -> MatchMessage {
        MatchMessage(
            seq: seq, prev: prev, event: event, phase: "\(transition.phase)",
            query: .init(id: query.id, text: query.text, tags: query.settings.tags), stream: stream,
            score: Double(transition.score),
            peak: .init(score: Double(transition.peak.score), at: Self.date(transition.peak.wallTime)),
            threshold: Double(transition.threshold), head: query.head, model: model,
            start: Self.date(transition.wallStart), end: Self.date(transition.wallEnd),
            media: .init(start: transition.mediaStart, end: transition.mediaEnd), snapshot: snapshot,
            clips: clips, reason: reason?.rawValue, rule: query.rule.key, group: query.settings.group)
    }

    /// The event for the journal, which gives it its numbers.
    package func pending(snapshot: String? = nil, clips: [String] = []) -> PendingMessage {
        let phase: EventMark.Phase =
            switch transition.phase {
            case .start: .start
            case .update: .update
            case .end: .end
            }
        return PendingMessage(
            topic: topic, query: query.id, stream: stream, event: EventMark(id: event, phase: phase, snapshot: snapshot)
        ) { seq, prev in try WireCoding.encode(self.message(seq: seq, prev: prev, snapshot: snapshot, clips: clips)) }
    }

    private static func date(_ seconds: Double) -> Date { Date(timeIntervalSince1970: seconds) }
}

extension ThresholdChange {
    /// The change's message for the journal, which gives it its numbers.
    package var pending: PendingMessage {
        PendingMessage(topic: Topic.threshold(stream: lane, query: query), query: query, stream: lane) { seq, prev in
            try WireCoding.encode(
                ThresholdMessage(
                    seq: seq, prev: prev, query: query, stream: lane, version: change.version,
                    threshold: Double(change.new), previous: change.old.map { Double($0) }, why: change.why,
                    at: Date(timeIntervalSince1970: change.at)))
        }
    }
}

extension Journal.LastEnd {
    /// The end of an event, from which the scoring engine restores the pause before the next event of the query.
    ///
    /// It is nil if the message cannot be read. If the daemon stopped during the event, the event counts as ended at
    /// the next start.
    var event: EndedEvent? {
        guard let message = try? WireCoding.decode(MatchMessage.self, body) else { return nil }
        let end = message.end.timeIntervalSince1970
        return EndedEvent(
            query: query, group: message.group, lane: stream,
            end: message.reason == nil ? end : max(end, stored))
    }
}
