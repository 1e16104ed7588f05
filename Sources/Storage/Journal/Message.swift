package import Foundation
package import SystemSupport

/// A message's event and phase, as the journal tracks them.
package struct EventMark: Sendable, Equatable {
    package enum Phase: String, Sendable { case start, update, end }

    package let id: String
    package let phase: Phase
    package let snapshot: String?

    package init(id: String, phase: Phase, snapshot: String? = nil) {
        self.id = id
        self.phase = phase
        self.snapshot = snapshot
    }
}

/// A message without a number; its body is encoded once its `seq` and the previous `seq` of its topic are known.
package struct PendingMessage: Sendable {
    package let topic: String
    package let query: String?
    package let stream: String?
    package let event: EventMark?
    package let body: @Sendable (_ seq: Int64, _ prev: Int64?) throws -> Data

    package init(
        topic: String, query: String? = nil, stream: String? = nil, event: EventMark? = nil,
        body: @escaping @Sendable (_ seq: Int64, _ prev: Int64?) throws -> Data
    ) {
        self.topic = topic
        self.query = query
        self.stream = stream
        self.event = event
        self.body = body
    }
}

/// A numbered message.
package struct Entry: Sendable, Equatable {
    package let seq: Int64
    package let prev: Int64?
    package let topic: String
    package let query: String?
    package let stream: String?
    package let event: EventMark?
    package let body: Data

    package init(
        seq: Int64, prev: Int64?, topic: String, query: String?, stream: String?, event: EventMark?, body: Data
    ) {
        (self.seq, self.prev, self.topic, self.query) = (seq, prev, topic, query)
        (self.stream, self.event, self.body) = (stream, event, body)
    }

    /// The stream or region that it tells of; nil of a message that tells of none.
    ///
    /// A stream's states have it in their topic alone.
    package var watched: String? {
        stream ?? (topic.hasPrefix(Self.states) ? String(topic.dropFirst(Self.states.count)) : nil)
    }

    /// The beginning of the topics of streams' states.
    static let states = "stream."
}

/// Numbers whose messages the journal does not hold: `first` to `last`, both included.
package struct Hole: Sendable, Equatable {
    package enum Reason: String, Sendable {
        /// The messages were removed by age or size.
        case retention
        /// The messages were published while the disk was full, and exceeded the backlog.
        case unjournaled
        /// The messages were stored in a journal that an older copy replaced.
        case restored
    }

    package var first: Int64
    package var last: Int64
    package let reason: Reason

    package init(first: Int64, last: Int64, reason: Reason) {
        self.first = first
        self.last = last
        self.reason = reason
    }
}

/// Selects the messages of a replay; empty selects all.
package struct MessageFilter: Sendable, Equatable {
    package var topicPrefix: String?
    package var query: String?
    package var stream: String?
    /// Streams whose messages are passed on, their regions' too; nil for all.
    package var seen: NamePatterns?

    package init(
        topicPrefix: String? = nil, query: String? = nil, stream: String? = nil, seen: NamePatterns? = nil
    ) {
        self.seen = seen
        self.topicPrefix = topicPrefix
        self.query = query
        self.stream = stream
    }

    package func passes(_ entry: Entry) -> Bool {
        // Byte for byte, as the database compares.
        entry.topic.utf8.starts(with: (topicPrefix ?? "").utf8) && (query == nil || entry.query == query)
            && (stream == nil || entry.stream == stream) && isSeen(entry)
    }

    private func isSeen(_ entry: Entry) -> Bool {
        guard let seen else { return true }
        return entry.watched.map { seen.matches($0.prefix { $0 != "/" }) } ?? false
    }
}

/// A page of a replay: messages in order, and the holes among them.
package struct ReplayPage: Sendable, Equatable {
    package var entries: [Entry]
    package var holes: [Hole]

    package init(entries: [Entry], holes: [Hole]) {
        self.entries = entries
        self.holes = holes
    }
}
