package import Foundation
package import WireFormat

/// A batch of the fleet's log, as one of its keys in the engine has it.
package struct LogBatch: Sendable {
    package struct Message: Sendable, Equatable {
        package let seq: Int64
        package let node: String
        package let journal: String
        /// Its number in the node's journal.
        package let n: Int64
        package let topic: String
        package let stream: String?
        package let epoch: Int64
        package let isLate: Bool
        /// Numbers of the node's journal that it lost, which this message stands for; nil of all other messages.
        package let lost: ClosedRange<Int64>?
        /// Nil where the node lost the message, or it was too large for the log.
        package let body: JSONValue?
    }
    package let first: Int64
    /// Bytes of the log before it.
    package let before: Int64
    package let time: Int64
    package let messages: [Message]

    /// Nil if it is not a batch.
    package init?(_ data: Data) {
        guard let json = try? JSONText.parse(data), let first = json["first"]?.integer,
            first > 0, let all = json["messages"]?.array, all.count <= 10_000, first < Int64.max - 10_000
        else { return nil }
        self.first = first
        before = json["before"]?.integer ?? 0
        time = json["at"]?.integer ?? 0
        let (node, journal) = (json["node"]?.string ?? "", json["journal"]?.string ?? "")
        messages = all.enumerated().map { place, one in
            Message(
                seq: first + Int64(place), node: node, journal: journal, n: one["n"]?.integer ?? 0,
                topic: one["topic"]?.string ?? "", stream: one["stream"]?.string, epoch: one["epoch"]?.integer ?? 0,
                isLate: one["late"] == .bool(true), lost: Self.range(one["lost"]), body: one["body"])
        }
    }

    private static func range(_ json: JSONValue?) -> ClosedRange<Int64>? {
        guard let ends = json?.array, ends.count == 2, let first = ends[0].integer, let last = ends[1].integer,
            first <= last
        else { return nil }
        return first...last
    }
}
