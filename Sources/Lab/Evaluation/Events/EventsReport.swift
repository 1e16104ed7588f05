/// The report of how well events are detected in videos, for each video, head and threshold rule.
package struct EventsReport: Sendable, Encodable {
    package struct Result: Sendable, Encodable {
        /// The video's file name.
        package let video: String
        package let head: String
        package let rule: String
        package let queries: Int
        package let truths: Int
        package let found: Int
        /// The share of detected events that match a true one, in 0...1; nil if nothing was detected.
        package let precision: Double?
        package let recall: Double?
        package let f1: Double?

        package init(video: String, head: String, rule: String, queries: Int, counts: EventCounts) {
            (self.video, self.head, self.rule, self.queries) = (video, head, rule, queries)
            (truths, found) = (counts.truths, counts.found)
            (precision, recall, f1) = (counts.precision, counts.recall, counts.f1)
        }
    }

    private let eval = "events"
    /// The model's name and hash.
    package let model: String
    package let results: [Result]

    package init(model: String, results: [Result]) { (self.model, self.results) = (model, results) }
}
