package import Engine
import Foundation
package import Journal
import Matching
package import WireFormat

/// The reason why an event was ended although its match went on.
package enum EarlyEnd: String, Sendable {
    /// Another node of the fleet has taken the event's stream, or is about to.
    case moved
}

extension Detection {
    /// The topic of the event's messages: `match.<stream>.<query-id>`.
    package var topic: String { Topic.match(stream: stream, query: query.id) }

    /// The event as it goes on the wire.
    ///
    /// `snapshot`: path of the peak's picture; `clips`: where the files of the video around it will be.
    ///
    /// `reason`: why it ended, if not by itself.
    package func message(
        seq: Int64, prev: Int64?, snapshot: String? = nil, clips: [String] = [], reason: EarlyEnd? = nil
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
    package func pending(
        snapshot: String? = nil, clips: [String] = [], reason: EarlyEnd? = nil
    ) -> PendingMessage {
        let phase: EventMark.Phase =
            switch transition.phase {
            case .start: .start
            case .update: .update
            case .end: .end
            }
        return PendingMessage(
            topic: topic, query: query.id, stream: stream, event: EventMark(id: event, phase: phase, snapshot: snapshot)
        ) { seq, prev in
            try WireCoding.encode(
                self.message(seq: seq, prev: prev, snapshot: snapshot, clips: clips, reason: reason))
        }
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
