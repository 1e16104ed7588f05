/// The error of a part of a history that cannot be read or written.
package struct HistoryProblem: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// The file is not a segment (a history file of embeddings), or its header is damaged.
        case unreadable
        /// A block of the file has a wrong checksum.
        case damaged
        /// The file ends with an incomplete block.
        case cut
        /// The format is newer than this program, or the day is in the future.
        case future
        /// The file's embeddings were made by another model.
        case otherModel = "other model"
        /// The file's embeddings have another width than the model's.
        case otherWidth = "other width"
        /// The history cannot be written: no space, or no permission.
        case unwritable
        /// Another process, or another object in this one, has the history locked for writing.
        case inUse = "in use"
        /// The file was removed or replaced since it was listed, or has no header yet; this is not counted.
        case gone
    }
    package let kind: Kind
    package let path: String
    package let reason: String

    package init(_ kind: Kind, _ path: String, _ reason: String) {
        self.kind = kind
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path): \(reason)" }

    /// Throws if a time is not finite or is beyond 1e12 seconds, because readers refuse blocks with such times.
    package static func refuse(time media: Double, _ wall: Double, of stream: String) throws(HistoryProblem) {
        guard abs(media) < 1e12, abs(wall) < 1e12 else {
            throw HistoryProblem(.unwritable, stream, "expected times below 1e12 seconds, found \(media) and \(wall)")
        }
    }
}

/// Counts the parts of a history that a search or removal had to leave out, by reason, and keeps the first problems.
package struct HistorySkips: Sendable, Equatable {
    package private(set) var counts: [HistoryProblem.Kind: Int] = [:]
    /// The first problems that were noted, at most `mostNamed`.
    package private(set) var named: [HistoryProblem] = []
    package static let mostNamed = 32

    package init() {}

    package var isEmpty: Bool { counts.isEmpty }

    /// Counts a problem, except `gone`: files may be removed while others read the history.
    package mutating func note(_ problem: HistoryProblem) {
        guard problem.kind != .gone else { return }
        counts[problem.kind, default: 0] += 1
        if named.count < Self.mostNamed { named.append(problem) }
    }

    package mutating func merge(_ other: HistorySkips) {
        counts.merge(other.counts, uniquingKeysWith: +)
        named = Array((named + other.named).prefix(Self.mostNamed))
    }
}
