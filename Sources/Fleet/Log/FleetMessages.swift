import Foundation
import Journal
import WireFormat

/// Converts batches of the fleet's log (the messages of all nodes) to the messages for clients, in order of number.
///
/// It keeps the newest number of each topic and the open events, as far as its batches contain them.
struct FleetMessages {
    /// The number of the newest message that was converted; earlier ones are skipped.
    private(set) var newest: Int64
    /// The number up to which messages were not read here; the first message of a topic names it as its previous one.
    private var floor: Int64
    private var last: [String: Int64] = [:]
    /// An event that has not ended, as far as is known here.
    private struct OpenEvent {
        /// The number of the event's first message.
        let order: Int64
        /// The event's newest message.
        let entry: Entry
        let node: String
    }

    private var open: [String: OpenEvent] = [:]
    /// The identity of each node's journal; a node with a new journal never ends the events of the old one.
    private var journals: [String: String] = [:]

    /// The limits on the number of topics and of open events that are kept.
    static let (mostTopics, mostOpen) = (100_000, 20_000)

    /// Creates a converter that begins after message number `seq` of the fleet's log.
    init(after seq: Int64) { (newest, floor) = (seq, seq) }

    /// Leaves out the messages up to `seq`, which cannot be had.
    mutating func skip(to seq: Int64) {
        (newest, floor) = (seq, seq)
        // The ends of events may be among them.
        (last, open) = ([:], [:])
    }

    /// The newest message of each event that has not ended, oldest event first.
    var openEvents: [Entry] { open.values.sorted { $0.order < $1.order }.map(\.entry) }

    /// Converts the next batch; returns its messages after `newest`, and the gap in the numbers before them, if any.
    mutating func take(_ batch: LogBatch) -> (entries: [Entry], hole: Hole?) {
        var hole: Hole?
        if batch.first - 1 > newest {
            hole = Hole(first: newest + 1, last: batch.first - 1, reason: .retention)
            skip(to: batch.first - 1)
        }
        var entries: [Entry] = []
        for message in batch.messages where message.seq > newest {
            newest = message.seq
            forgetEvents(beside: message)
            guard let entry = entry(message) else { continue }
            last[entry.topic] = entry.seq
            entries.append(entry)
            note(entry, of: message.node)
        }
        if last.count > Self.mostTopics { (floor, last) = (newest, [:]) }
        return (entries, hole)
    }

    /// Forgets a node's open events if it has another journal, or has lost messages: their ends may be gone.
    private mutating func forgetEvents(beside message: LogBatch.Message) {
        let before = journals.updateValue(message.journal, forKey: message.node)
        guard message.body == nil || before.map({ $0 != message.journal }) ?? false else { return }
        open = open.filter { $0.value.node != message.node }
    }

    private mutating func note(_ entry: Entry, of node: String) {
        guard let event = entry.event else { return }
        guard event.phase != .end else {
            open[event.id] = nil
            return
        }
        open[event.id] = OpenEvent(order: open[event.id]?.order ?? entry.seq, entry: entry, node: node)
        if open.count > Self.mostOpen, let oldest = open.min(by: { $0.value.order < $1.value.order }) {
            open[oldest.key] = nil
        }
    }

    /// Returns a log message as clients get it, with its number, node and epoch added to its JSON.
    private func entry(_ message: LogBatch.Message) -> Entry? {
        var topic = message.topic
        var members: [String: JSONValue] = ["v": .integer(1)]
        if case .object(let body)? = message.body {
            members = body
        } else {
            // The node's journal has lost the message, or it is too large for the log.
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
