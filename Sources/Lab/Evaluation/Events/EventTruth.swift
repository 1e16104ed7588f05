package import Foundation

/// The true events of a video, read from a file `NAME.events.json` beside it.
///
/// Each event lists the captions that are true of it. Every caption is used as a query, whose true events are those
/// that list it.
package struct EventTruth: Sendable {
    /// A span of time in a video, in seconds; a momentary event has a span of length 0.
    package struct Span: Sendable, Equatable {
        package let start: Double
        package let end: Double

        package init(start: Double, end: Double) {
            self.start = start
            self.end = end
        }
    }

    /// The path of the video; the events file gives it relative to its own folder.
    package let video: URL
    /// The spans of time in which each caption is true, ordered by start.
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

    /// Reads the events file of one video; throws if the file is invalid.
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

    /// Reads all files `NAME.events.json` in a folder, ordered by name; throws if there is none.
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

/// The error for a file of true events that cannot be used; the description names the file.
package struct EventTruthError: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// The numbers of true and of detected events, and how many of each match one of the others.
package struct EventCounts: Sendable, Codable, Equatable {
    /// The number of true events.
    ///
    /// `hits` counts the true events that were detected, `found` the detected events, and `right` the detected events
    /// that match a true one.
    package var truths = 0
    package var hits = 0
    package var found = 0
    package var right = 0

    package init() {}

    /// Counts the detected events of one query on one video.
    ///
    /// A detected and a true event match if their spans overlap, after the true span is extended by `slack` seconds at
    /// both ends. `slack` is a window's length, since a window reports what happened before its newest frame.
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

    /// The share of detected events that match a true one; nil if nothing was detected.
    package var precision: Double? { found > 0 ? Double(right) / Double(found) : nil }
    /// The share of true events that were detected; nil if there are no true events.
    package var recall: Double? { truths > 0 ? Double(hits) / Double(truths) : nil }
    /// The harmonic mean of precision and recall; nil without true events.
    package var f1: Double? {
        guard let recall else { return nil }
        guard let precision, precision + recall > 0 else { return 0 }
        return 2 * precision * recall / (precision + recall)
    }
}
