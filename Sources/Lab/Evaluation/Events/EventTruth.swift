package import Foundation

/// True events of a video, from a `NAME.events.json` beside it.
///
/// Each event has captions that are true of it; every caption is a query, whose events are all those that have it.
package struct EventTruth: Sendable {
    /// Seconds of media time; a moment has a span of 0.
    package struct Span: Sendable, Equatable {
        package let start: Double
        package let end: Double

        package init(start: Double, end: Double) {
            self.start = start
            self.end = end
        }
    }

    /// The video's file, beside the truth's.
    package let video: URL
    /// Spans by caption, in order of time.
    package let spans: [String: [Span]]
    package var captions: [String] { spans.keys.sorted() }

    private struct Document: Decodable {
        struct Event: Decodable {
            let start_s: Double
            let end_s: Double
            let captions: [String]
        }
        let video: String
        let events: [Event]
    }

    /// Reads the truth of one video; a sentence says what is wrong with the file.
    package init(_ file: URL) throws(EventTruthError) {
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(contentsOf: file))
        } catch {
            throw EventTruthError(
                description: "\(file.path): it is no truth of a video's events: \(Self.reason(error))")
        }
        var spans: [String: [Span]] = [:]
        for event in document.events {
            guard event.start_s.isFinite, event.end_s >= event.start_s else {
                throw EventTruthError(description: "\(file.path): an event ends before it starts")
            }
            for caption in event.captions {
                spans[caption, default: []].append(Span(start: event.start_s, end: event.end_s))
            }
        }
        video = file.deletingLastPathComponent().appending(path: document.video)
        self.spans = spans.mapValues { $0.sorted { $0.start < $1.start } }
    }

    /// Reads the truths of all videos of a folder that have one, by name.
    package static func all(in folder: String) throws(EventTruthError) -> [EventTruth] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var found: [EventTruth] = []
        for name in names.sorted() where name.hasSuffix(".events.json") {
            found.append(try EventTruth(URL(filePath: folder).appending(path: name)))
        }
        guard !found.isEmpty else {
            throw EventTruthError(description: "\(folder): there is no video with a truth (NAME.events.json) in it")
        }
        return found
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" has a wrong type"
        case DecodingError.dataCorrupted: "it is not JSON"
        default: "it cannot be read"
        }
    }
}

/// A file of true events that cannot be used: one sentence that names it.
package struct EventTruthError: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// Counts of the events that were found and of those that are true.
package struct EventCounts: Sendable, Codable, Equatable {
    /// True events, those that something found covers, events found, and those of them that cover a true one.
    package var truths = 0
    package var hits = 0
    package var found = 0
    package var right = 0

    package init() {}

    /// Counts a query's events on one video.
    ///
    /// Found and true events meet if their spans do. A window sees what was before its newest frame, and a moment can
    /// be told only from frames on both sides of it, so a true span is taken `slack` seconds (a window's length) longer
    /// at both ends.
    package init(found: [EventTruth.Span], truths: [EventTruth.Span], slack: Double) {
        func meet(_ found: EventTruth.Span, _ truth: EventTruth.Span) -> Bool {
            found.start <= truth.end + slack && found.end >= truth.start - slack
        }
        self.truths = truths.count
        self.found = found.count
        hits = truths.count { truth in found.contains { meet($0, truth) } }
        right = found.count { event in truths.contains { meet(event, $0) } }
    }

    package static func += (sum: inout EventCounts, more: EventCounts) {
        sum.truths += more.truths
        sum.hits += more.hits
        sum.found += more.found
        sum.right += more.right
    }

    /// Share of the events found that are true; nil if none was found.
    package var precision: Double? { found > 0 ? Double(right) / Double(found) : nil }
    /// Share of the true events that were found; nil if there is none.
    package var recall: Double? { truths > 0 ? Double(hits) / Double(truths) : nil }
    /// Harmonic mean of both; nil without true events.
    package var f1: Double? {
        guard let recall else { return nil }
        guard let precision, precision + recall > 0 else { return 0 }
        return 2 * precision * recall / (precision + recall)
    }
}
