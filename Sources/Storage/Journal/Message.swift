package import Foundation
package import SystemSupport

/// The event that a message is about, and whether the message announces its start, an update or its end.
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

/// A message that has no number yet.
///
/// Its body is encoded once its number (`seq`) and the previous number of its topic (`prev`) are known.
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

/// A message with its number (`seq`), as it is stored and published.
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

    /// The name of the stream or region that the message is about; nil if it is about none.
    ///
    /// For messages about a stream's state, the name is taken from the topic.
    package var watched: String? {
        stream ?? (topic.hasPrefix(Self.states) ? String(topic.dropFirst(Self.states.count)) : nil)
    }

    /// The prefix of the topics of messages about streams' states.
    static let states = "stream."
}

/// A range of message numbers whose messages the journal does not have, from `first` to `last` inclusive.
package struct Hole: Sendable, Equatable {
    package enum Reason: String, Sendable {
        /// The messages were removed by age or size.
        case retention
        /// The messages were published while the disk could not be written, and were too many to keep in memory.
        case unjournaled
        /// The messages were stored in a newer file, in whose place an older copy was restored.
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

/// Selects the messages of a replay; properties that are nil allow all messages.
package struct MessageFilter: Sendable, Equatable {
    package var topicPrefix: String?
    package var query: String?
    package var stream: String?
    /// The patterns of the streams whose messages are selected, with those of their regions; nil allows all.
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
        // Prefixes are compared byte for byte, as SQLite does.
        entry.topic.utf8.starts(with: (topicPrefix ?? "").utf8) && (query == nil || entry.query == query)
            && (stream == nil || entry.stream == stream) && isSeen(entry)
    }

    private func isSeen(_ entry: Entry) -> Bool {
        guard let seen else { return true }
        return entry.watched.map { seen.matches($0.prefix { $0 != "/" }) } ?? false
    }
}

/// A page of messages from the journal, in order, and the holes (ranges of lost numbers) among them.
package struct ReplayPage: Sendable, Equatable {
    package var entries: [Entry]
    package var holes: [Hole]
    /// The number up to which the page is complete, if the log may continue after it; nil if the page reaches the log's
    /// end.
    package var through: Int64?

    package init(entries: [Entry], holes: [Hole], through: Int64? = nil) {
        self.entries = entries
        self.holes = holes
        self.through = through
    }
}
