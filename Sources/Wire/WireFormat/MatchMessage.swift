package import Foundation

/// A message about the start, an update or the end of an event (a span in which a stream matches a query).
package struct MatchMessage: Codable, Sendable, Equatable {
    package struct Query: Codable, Sendable, Equatable {
        package let id: String
        package let text: String
        package let tags: [String]
        package init(id: String, text: String, tags: [String]) {
            self.id = id
            self.text = text
            self.tags = tags
        }
    }
    package struct Peak: Codable, Sendable, Equatable {
        package let score: Double
        package let at: Date
        package init(score: Double, at: Date) {
            self.score = score
            self.at = at
        }
    }
    package struct Media: Codable, Sendable, Equatable {
        package let start: Double
        package let end: Double
        package init(start: Double, end: Double) {
            self.start = start
            self.end = end
        }
    }

    package var v = 1
    package let seq: Int64
    package let prev: Int64?
    package let event: String
    package let phase: String
    package let query: Query
    package let stream: String
    package let score: Double
    package let peak: Peak
    package let threshold: Double
    package let head: String
    package let model: String
    package let start: Date
    package let end: Date
    package let media: Media
    /// The path of the picture taken at the event's best score, a file on the daemon's machine; nil if there is none.
    package let snapshot: String?
    /// The path of the video clip around the event; only in the message about its end.
    ///
    /// The message may be sent some seconds before the clip is written.
    package let clip: String?
    /// The reason why the event was ended early, such as "interrupted" after a crash; nil if the match just ended.
    package let reason: String?
    /// The key of the query's rule: "threshold", "against" (the score is then a probability) or "false_alerts_per_day".
    package let rule: String?
    /// The name of the group of queries that share this alert, if any; `query` is then the group's leading query.
    package let group: String?

    package init(
        seq: Int64, prev: Int64?, event: String, phase: String, query: Query, stream: String, score: Double, peak: Peak,
        threshold: Double, head: String, model: String, start: Date, end: Date, media: Media, snapshot: String? = nil,
        clip: String? = nil, reason: String? = nil, rule: String? = nil, group: String? = nil
    ) {
        self.seq = seq
        self.prev = prev
        self.event = event
        self.phase = phase
        self.query = query
        self.stream = stream
        self.score = score
        self.peak = peak
        self.threshold = threshold
        self.head = head
        self.model = model
        self.start = start
        self.end = end
        self.media = media
        self.snapshot = snapshot
        self.clip = clip
        self.reason = reason
        self.rule = rule
        self.group = group
    }
}
