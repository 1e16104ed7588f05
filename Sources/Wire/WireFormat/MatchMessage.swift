package import Foundation

/// A message about one phase of an event.
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
    /// The path of the peak's picture.
    package let snapshot: String?
    /// The coded video around the event, a file; of an end, which may be told before the file is there.
    package let clip: String?
    /// All files of the clip as far as they are known, where it has several; the first is `clip`.
    package let clips: [String]?
    /// The reason of an end that did not come by itself: "interrupted" after a crash.
    package let reason: String?
    /// The rule's key: "threshold", "against" (the score is then a probability) or "false_alerts_per_day".
    package let rule: String?
    /// The group whose queries share the alert; `query` is the one that leads it.
    package let group: String?

    package init(
        seq: Int64, prev: Int64?, event: String, phase: String, query: Query, stream: String, score: Double, peak: Peak,
        threshold: Double, head: String, model: String, start: Date, end: Date, media: Media, snapshot: String? = nil,
        clips: [String] = [], reason: String? = nil, rule: String? = nil, group: String? = nil
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
        clip = clips.first
        self.clips = clips.count > 1 ? clips : nil
        self.reason = reason
        self.rule = rule
        self.group = group
    }
}
