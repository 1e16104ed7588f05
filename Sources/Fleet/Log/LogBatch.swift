package import Foundation
package import WireFormat

/// A batch of messages of the fleet's log, decoded from the value of one key in etcd.
package struct LogBatch: Sendable {
    package struct Message: Sendable, Equatable {
        package let seq: Int64
        package let node: String
        package let journal: String
        /// The message's number in the journal of its node.
        package let n: Int64
        package let topic: String
        package let stream: String?
        package let epoch: Int64
        package let isLate: Bool
        /// The journal numbers of lost messages for which this entry stands; nil for an ordinary message.
        package let lost: ClosedRange<Int64>?
        /// The message as JSON; nil if its node has lost it or it was too large for the log.
        package let body: JSONValue?
    }
    package let first: Int64
    /// The total size in bytes of all earlier batches of the log.
    package let before: Int64
    package let time: Int64
    package let messages: [Message]

    /// Decodes a batch from JSON; returns nil if the data is no valid batch.
    package init?(_ data: Data) {
        guard let json = try? JSONText.parse(data), let first = json["first"]?.integer,
            (1...LogHead.most).contains(first), let all = json["messages"]?.array, all.count <= Forwarder.most,
            let before = json["before"]?.integer, (0...LogHead.most).contains(before)
        else { return nil }
        (self.first, self.before) = (first, before)
        time = json["at"]?.integer ?? 0
        let (node, journal) = (json["node"]?.string ?? "", json["journal"]?.string ?? "")
        messages = all.enumerated().map { place, one in
            Message(
                seq: first + Int64(place), node: node, journal: journal, n: one["n"]?.integer ?? 0,
                topic: Self.topic(one["topic"]?.string), stream: one["stream"]?.string,
                epoch: one["epoch"]?.integer ?? 0,
                isLate: one["late"] == .bool(true), lost: Self.range(one["lost"]), body: one["body"])
        }
    }

    /// Returns a topic as nodes write it; empty for anything else, which could break a client's framing.
    private static func topic(_ text: String?) -> String {
        let isTopic = (text ?? "").utf8.allSatisfy { byte in
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
                || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte || "._-/".utf8.contains(byte)
        }
        guard let text, isTopic, text.utf8.count <= 245, text != Topic.heartbeat else { return "" }
        return text
    }

    private static func range(_ json: JSONValue?) -> ClosedRange<Int64>? {
        guard let ends = json?.array, ends.count == 2, let first = ends[0].integer, let last = ends[1].integer,
            first <= last
        else { return nil }
        return first...last
    }
}
