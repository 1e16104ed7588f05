import Foundation
import Journal
import WireFormat

/// Turns batches of the fleet's log into the messages that clients get, in order of the fleet's numbers.
///
/// It keeps the newest number of each topic and the events that are open, as far as its batches tell.
struct FleetMessages {
    /// The number up to which all messages have been taken.
    private(set) var newest: Int64
    /// Messages up to this number are unknown here.
    private var floor: Int64
    private var last: [String: Int64] = [:]
    /// The newest message of each open event, with the order of their beginnings.
    private var open: [String: (order: Int64, entry: Entry)] = [:]

    /// The greatest number of topics, and of open events, that are kept.
    static let most = 100_000

    /// Begins after a number: messages up to it are unknown.
    init(after seq: Int64) { (newest, floor) = (seq, seq) }

    /// The newest message of each event that is open, oldest event first.
    var openEvents: [Entry] { open.values.sorted { $0.order < $1.order }.map(\.entry) }

    /// Takes the next batch; returns its messages after `newest`, and the numbers before it that no batch has.
    mutating func take(_ batch: LogBatch) -> (entries: [Entry], hole: Hole?) {
        var hole: Hole?
        if batch.first > newest + 1 {
            hole = Hole(first: newest + 1, last: batch.first - 1, reason: .retention)
            (newest, floor) = (batch.first - 1, batch.first - 1)
            last = [:]
        }
        var entries: [Entry] = []
        for message in batch.messages where message.seq > newest {
            newest = message.seq
            guard let entry = entry(message) else { continue }
            last[entry.topic] = entry.seq
            entries.append(entry)
            note(entry)
        }
        if last.count > Self.most { (floor, last) = (newest, [:]) }
        return (entries, hole)
    }

    private mutating func note(_ entry: Entry) {
        guard let event = entry.event else { return }
        if event.phase == .end {
            open[event.id] = nil
        } else if let known = open[event.id] {
            open[event.id] = (known.order, entry)
        } else if open.count < Self.most {
            open[event.id] = (entry.seq, entry)
        }
    }

    /// The message with the fleet's numbers, its node and its epoch in its body.
    private func entry(_ message: LogBatch.Message) -> Entry? {
        var topic = message.topic
        var members: [String: JSONValue] = ["v": .integer(1)]
        if case .object(let body)? = message.body {
            members = body
        } else {
            // The node has no such message any more, or it is too large for the log.
            topic = Topic.lost(node: message.node)
            members["first"] = .integer(message.lost?.first ?? message.n)
            members["last"] = .integer(message.lost?.last ?? message.n)
        }
        let prev = last[topic] ?? floor
        members["seq"] = .integer(message.seq)
        members["prev"] = prev > 0 ? .integer(prev) : nil
        members["node"] = .string(message.node)
        if message.stream != nil { members["epoch"] = .integer(message.epoch) }
        if message.isLate { members["late"] = .bool(true) }
        guard let body = try? WireCoding.encode(JSONValue.object(members)) else { return nil }
        return Entry(
            seq: message.seq, prev: prev > 0 ? prev : nil, topic: topic,
            query: members["query"]?.string ?? members["query"]?["id"]?.string, stream: members["stream"]?.string,
            event: Self.mark(topic, members), body: body)
    }

    private static func mark(_ topic: String, _ members: [String: JSONValue]) -> EventMark? {
        guard topic.hasPrefix(Topic.matches), let id = members["event"]?.string,
            let phase = members["phase"]?.string.flatMap(EventMark.Phase.init)
        else { return nil }
        return EventMark(id: id, phase: phase)
    }
}
