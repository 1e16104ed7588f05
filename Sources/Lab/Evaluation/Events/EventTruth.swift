package import Foundation

/// The true events of a video, from a file `NAME.events.json` beside it.
///
/// Each event lists the captions that are true of it. Every caption is a query, whose events are all those that list
/// it.
package struct EventTruth: Sendable {
    /// A span of media time in seconds; the span of a moment has length 0.
    package struct Span: Sendable, Equatable {
        package let start: Double
        package let end: Double

        package init(start: Double, end: Double) {
            self.start = start
            self.end = end
        }
    }

    /// The video's file, beside the events file.
    package let video: URL
    /// The spans of each caption, ordered by time.
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

    /// Reads the events files of all videos in a folder that have one, ordered by name.
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

/// An events file that cannot be used: a sentence that names it.
package struct EventTruthError: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// The numbers of found and of true events, and how many of them overlap.
package struct EventCounts: Sendable, Codable, Equatable {
    /// The number of true events; `hits` of them were found, and of `found` events `right` ones overlap a true one.
    package var truths = 0
    package var hits = 0
    package var found = 0
    package var right = 0

    package init() {}

    /// Counts a query's events on one video.
    ///
    /// A found and a true event match if their spans overlap. A window sees what was before its newest frame, and a
    /// moment can be recognised only from frames on both sides of it. So a true span is extended by `slack` seconds, a
    /// window's length, at both ends.
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

    /// The share of found events that are true; nil if none was found.
    package var precision: Double? { found > 0 ? Double(right) / Double(found) : nil }
    /// The share of true events that were found; nil if there is none.
    package var recall: Double? { truths > 0 ? Double(hits) / Double(truths) : nil }
    /// The harmonic mean of precision and recall; nil without true events.
    package var f1: Double? {
        guard let recall else { return nil }
        guard let precision, precision + recall > 0 else { return 0 }
        return 2 * precision * recall / (precision + recall)
    }
}
