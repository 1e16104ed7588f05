/// A part of a history that cannot be read or written, and why.
package struct HistoryProblem: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// The file is not a segment, or its header is damaged.
        case unreadable
        /// A block has a wrong checksum.
        case damaged
        /// The file ends with an incomplete block.
        case cut
        /// The format is newer than this program, or the day is in the future.
        case future
        /// The rows were made by another model.
        case otherModel = "other model"
        /// The rows have another width than the model's.
        case otherWidth = "other width"
        /// The history cannot be written: no space, or no permission.
        case unwritable
        /// Another process, or another part of this one, has it locked for writing.
        case inUse = "in use"
        /// The segment was removed or rewritten since it was listed, or has no header yet; this is never counted.
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

    /// Throws on times that are not numbers or beyond 1e12 seconds: a block with one would be refused when it is read.
    static func refuse(time media: Double, _ wall: Double, of stream: String) throws(HistoryProblem) {
        guard abs(media) < 1e12, abs(wall) < 1e12 else {
            throw HistoryProblem(.unwritable, stream, "expected times below 1e12 seconds, found \(media) and \(wall)")
        }
    }
}

/// The numbers of what a search or removal left out, with the first places by name.
package struct HistorySkips: Sendable, Equatable {
    package private(set) var counts: [HistoryProblem.Kind: Int] = [:]
    /// The first problems, at most `mostNamed`.
    package private(set) var named: [HistoryProblem] = []
    package static let mostNamed = 32

    package init() {}

    package var isEmpty: Bool { counts.isEmpty }

    /// Counts a problem, except `gone`: retention and removals work while others read.
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
