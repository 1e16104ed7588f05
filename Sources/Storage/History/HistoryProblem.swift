/// A part of a history that cannot be read or written, and why.
package struct HistoryProblem: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// No segment, or one whose header does not hold.
        case unreadable
        /// A block whose checksum does not hold.
        case damaged
        /// Bytes at the end that are not a whole block.
        case cut
        /// A format newer than this program, or a day that has not come.
        case future
        /// Made by another model.
        case otherModel = "other model"
        /// Rows of another width than the model's.
        case otherWidth = "other width"
        /// It cannot be written: no room, or no permission.
        case unwritable
        /// Another process, or another part of this one, writes to it.
        case inUse = "in use"
        /// It was removed, or written anew, since it was listed, or has no header yet: never counted.
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

    /// Refuses times that are no numbers or beyond 1e12 seconds: a block with one would not hold when it is read.
    static func refuse(time media: Double, _ wall: Double, of stream: String) throws(HistoryProblem) {
        guard abs(media) < 1e12, abs(wall) < 1e12 else {
            throw HistoryProblem(.unwritable, stream, "expected times below 1e12 seconds, found \(media) and \(wall)")
        }
    }
}

/// Counts of what a search or a removal left out, and the first places by name.
package struct HistorySkips: Sendable, Equatable {
    package private(set) var counts: [HistoryProblem.Kind: Int] = [:]
    /// The first ones, at most `mostNamed`.
    package private(set) var named: [HistoryProblem] = []
    package static let mostNamed = 32

    package init() {}

    package var isEmpty: Bool { counts.isEmpty }

    /// Counts a problem; what is gone is none, since retention and removals work while others read.
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
