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
    /// The newest message of each open event by event id; `order` is the number of the event's first message.
    private var open: [String: (order: Int64, entry: Entry)] = [:]

    /// The limit on the number of topics, and of open events, that are kept.
    static let most = 100_000

    /// Creates a converter that begins after message number `seq` of the fleet's log.
    init(after seq: Int64) { (newest, floor) = (seq, seq) }

    /// The newest message of each event that has not ended, oldest event first.
    var openEvents: [Entry] { open.values.sorted { $0.order < $1.order }.map(\.entry) }

    /// Converts the next batch; returns its messages after `newest`, and the gap in the numbers before them, if any.
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
