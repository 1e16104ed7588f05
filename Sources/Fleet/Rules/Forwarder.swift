package import Foundation
import WireFormat

/// A message of a node's journal, or a range of lost messages, on its way into the fleet's log.
package struct OutgoingMessage: Sendable, Equatable {
    /// The journal number of the message; for a range of lost messages its first number, while `seq` is the last.
    package let first: Int64
    package let seq: Int64
    package let topic: String
    /// The name of the message's stream; nil if it belongs to none.
    package let stream: String?
    /// The message as JSON; nil for a range of lost messages.
    package let body: Data?

    package init(first: Int64? = nil, seq: Int64, topic: String, stream: String?, body: Data?) {
        (self.first, self.seq, self.topic, self.stream, self.body) = (first ?? seq, seq, topic, stream, body)
    }
}

/// Builds the transactions that copy a node's journal into the fleet's log, each message once and in order.
///
/// A transaction in etcd succeeds only if three things are as this node knows them: how far the journal was copied, the
/// end of the log, and the owners of the streams. A message of a stream that another node has taken is marked late.
package struct Forwarder: Sendable {
    private let keys: FleetKeys
    private let node: String
    private let journal: String
    /// The journal number up to which all messages are in the fleet's log; nil until it has been read from etcd.
    package private(set) var cursor: Int64?
    private var cursorValue: Data?
    private var head = LogHead()
    private var headValue: Data?
    /// The owners of streams that etcd reported when it refused a batch.
    private var owners: [String: Ownership] = [:]
    /// The streams of the batch that was sent last; if etcd refuses it, the answer names their owners.
    private var asked: Set<String> = []
    /// The number of batches that etcd has refused in a row.
    private var refusals = 0
    /// The position in the journal and the end of the log after the batch that is under way; nil without one.
    private var next: (cursor: Int64, cursorValue: Data, head: LogHead, headValue: Data)?
    private let start: Int64

    package static let most = 100
    private static let mostBytes = 512 << 10
    private static let patience = 20

    /// Creates a forwarder for a node's journal; it begins after journal number `start` if none of it was copied yet.
    package init(_ keys: FleetKeys, node: String, journal: String, start: Int64) {
        (self.keys, self.node, self.journal, self.start) = (keys, node, journal, start)
    }

    /// A transaction that reads from etcd how far the journal was copied, and the end of the fleet's log.
    package var reading: EngineTransaction {
        EngineTransaction(if: [], then: [.read(keys.cursor(journal)), .read(keys.head)])
    }

    /// Reads from etcd's answer how far the journal was copied, the end of the log, and the streams' owners.
    ///
    /// The answer is the one to `reading`, or to a batch that was refused.
    package mutating func take(_ answer: TransactionAnswer) {
        if next != nil {
            refusals += 1
            // A stream that is missing in the answer has no owner.
            for stream in asked { owners[stream] = Ownership("", epoch: 0) }
        }
        (cursorValue, headValue, head) = (nil, nil, LogHead())
        cursor = start
        next = nil
        for found in answer.found {
            if found.key == keys.head {
                headValue = found.value
                head = (try? WireCoding.decode(LogHead.self, found.value)) ?? head
            } else if found.key == keys.cursor(journal) {
                cursorValue = found.value
                cursor = Int64(String(decoding: found.value, as: UTF8.self)) ?? start
            } else if let (kind, name) = keys.parts(found.key), kind == "own", let own = Ownership(found.value) {
                owners[name] = own
            }
        }
    }

    /// Records that etcd has accepted the batch that was under way.
    package mutating func succeeded() {
        guard let next else { return }
        (cursor, cursorValue, head, headValue) = (next.cursor, next.cursorValue, next.head, next.headValue)
        refusals = 0
        self.next = nil
    }

    /// Forgets how far the journal was copied, so that it is read from etcd before the next batch.
    package mutating func forget() { (cursor, next) = (nil, nil) }

    /// Records a newer end of the fleet's log, as a watch on etcd reported it, unless a batch is under way.
    package mutating func follow(_ newer: LogHead) {
        guard next == nil, newer.seq > head.seq, let value = try? WireCoding.encode(newer) else { return }
        (head, headValue) = (newer, value)
    }

    /// Returns the transaction that writes the next batch to the fleet's log; nil if there is nothing to write.
    ///
    /// `owner` returns a stream's owner as this node knows it. `epoch` returns the number of the claim under which this
    /// node ran the stream when a message was made.
    package mutating func batch(
        _ messages: [OutgoingMessage], through: Int64, at time: Double, owner: (String) -> Ownership?,
        epoch: (String, Int64) -> Int64?
    ) -> EngineTransaction? {
        guard let cursor else { return nil }
        var lines: [String] = []
        var bytes = 0
        var owned: [String: Int64] = [:]
        var streams: Set<String> = []
        var last = cursor
        for message in messages where message.seq > cursor {
            let made = message.stream.flatMap { epoch($0, message.seq) }
            let isLate = message.stream.map { isOver($0, made, owner) } ?? false
            let line = line(message, epoch: made, isLate: isLate)
            guard lines.isEmpty || lines.count < Self.most && bytes + line.utf8.count <= Self.mostBytes else { break }
            // One transaction can check only one epoch of a stream.
            if let stream = message.stream, !isLate, let made {
                if let other = owned[stream], other != made { break }
                owned[stream] = made
            }
            if let stream = message.stream { streams.insert(stream) }
            lines.append(line)
            bytes += line.utf8.count
            last = message.seq
        }
        if lines.isEmpty { last = max(last, through) }
        guard last > cursor else { return nil }
        return transaction(lines, to: last, at: time, owned: owned, streams: streams)
    }

    private mutating func transaction(
        _ lines: [String], to last: Int64, at time: Double, owned: [String: Int64], streams: Set<String>
    ) -> EngineTransaction? {
        let newCursor = Data("\(last)".utf8)
        var conditions = [Self.unchanged(keys.cursor(journal), cursorValue)]
        var steps: [TransactionStep] = [.put(keys.cursor(journal), newCursor)]
        var (newHead, newHeadValue) = (head, headValue ?? Data())
        if !lines.isEmpty {
            let text =
                "{\"first\":\(head.seq + 1),\"before\":\(head.bytes),\"at\":\(Int64(time)),\"node\":\"\(node)\","
                + "\"journal\":\"\(journal)\",\"messages\":[\(lines.joined(separator: ","))]}"
            let batch = Data(text.utf8)
            newHead = LogHead(seq: head.seq + Int64(lines.count), bytes: head.bytes + Int64(batch.count))
            guard let value = try? WireCoding.encode(newHead) else { return nil }
            newHeadValue = value
            conditions.append(Self.unchanged(keys.head, headValue))
            steps += [.put(keys.log(head.seq + 1), batch), .put(keys.head, value)]
        }
        for (stream, epoch) in owned.sorted(by: { $0.key < $1.key }) {
            conditions.append(.value(keys.own(stream), Ownership(node, epoch: epoch).data))
        }
        next = (last, newCursor, newHead, newHeadValue)
        asked = streams
        var reads: [TransactionStep] = [.read(keys.cursor(journal)), .read(keys.head)]
        for stream in streams.sorted() { reads.append(.read(keys.own(stream))) }
        return EngineTransaction(if: conditions, then: steps, otherwise: reads)
    }

    private static func unchanged(_ key: String, _ value: Data?) -> TransactionCondition {
        value.map { .value(key, $0) } ?? .absent(key)
    }

    /// Returns true if a message is late: since it was made, another node has taken the stream, or no node runs it.
    private func isOver(_ stream: String, _ made: Int64?, _ owner: (String) -> Ownership?) -> Bool {
        guard let made else { return true }
        let mine = Ownership(node, epoch: made)
        for known in [owner(stream), owners[stream]] {
            guard let known, known != mine else { continue }
            // A lower epoch is outdated, unless etcd keeps reporting it: then etcd was restored from a backup.
            if known.epoch >= made || refusals > Self.patience && owners[stream] == known { return true }
        }
        return false
    }

    /// Returns a message as one JSON object of a batch in the fleet's log.
    private func line(_ message: OutgoingMessage, epoch: Int64?, isLate: Bool) -> String {
        var text = "{\"n\":\(message.seq),\"topic\":\(Self.quoted(message.topic))"
        if let stream = message.stream { text += ",\"stream\":\(Self.quoted(stream)),\"epoch\":\(epoch ?? 0)" }
        if isLate { text += ",\"late\":true" }
        guard let body = message.body else { return text + ",\"lost\":[\(message.first),\(message.seq)]}" }
        guard body.count <= Self.mostBytes else { return text + ",\"tooLarge\":\(body.count)}" }
        let isJSON = (try? JSONText.parse(body)) != nil
        let value = isJSON ? String(decoding: body, as: UTF8.self) : Self.quoted(body.base64EncodedString())
        return text + ",\"body\":\(value)}"
    }

    private static func quoted(_ text: String) -> String {
        (try? WireCoding.encode(JSONValue.string(text))).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
