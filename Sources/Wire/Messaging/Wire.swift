package import Foundation

/// Any JSON value: arguments and results of control operations.
package enum JSONValue: Codable, Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .integer(let integer): try value.encode(integer)
        case .number(let number): try value.encode(number)
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    package subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var double: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    /// Any encodable value as a JSON value.
    package init(encoding value: some Encodable) throws {
        self = try WireCoding.decode(JSONValue.self, WireCoding.encode(value))
    }

    /// Decodes the value as a type.
    package func decoded<T: Decodable>(as type: T.Type) throws -> T {
        try WireCoding.decode(type, WireCoding.encode(self))
    }
}

/// A control request: `{"v":1,"id":"…","op":"query.add","args":{…}}`.
package struct ControlRequest: Codable, Sendable {
    package var v = 1
    package let id: String
    package let op: String
    package let args: JSONValue?

    package init(id: String, op: String, args: JSONValue?) {
        self.id = id
        self.op = op
        self.args = args
    }
}

/// The answer: a result, or an error's code and sentence.
package struct ControlReply: Codable, Sendable {
    package struct Failure: Codable, Sendable, Equatable, Error, CustomStringConvertible {
        package let code: String
        package let message: String
        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
        package var description: String { message }
    }

    package var v = 1
    package let id: String
    package let ok: Bool
    package let result: JSONValue?
    package let error: Failure?

    package init(id: String, result: JSONValue) {
        self.id = id
        ok = true
        self.result = result
        error = nil
    }

    package init(id: String, error: Failure) {
        self.id = id
        ok = false
        result = nil
        self.error = error
    }
}

/// One phase of an event.
package struct MatchMessage: Codable, Sendable, Equatable {
    package struct Query: Codable, Sendable, Equatable {
        package let id: String
        package let text: String
        package let tags: [String]
        package init(id: String, text: String, tags: [String]) {
            self.id = id
            self.text = text
            self.tags = tags
        }
    }
    package struct Peak: Codable, Sendable, Equatable {
        package let score: Double
        package let at: Date
        package init(score: Double, at: Date) {
            self.score = score
            self.at = at
        }
    }
    package struct Media: Codable, Sendable, Equatable {
        package let start: Double
        package let end: Double
        package init(start: Double, end: Double) {
            self.start = start
            self.end = end
        }
    }

    package var v = 1
    package let seq: Int64
    package let prev: Int64?
    package let event: String
    package let phase: String
    package let query: Query
    package let stream: String
    package let score: Double
    package let peak: Peak
    package let threshold: Double
    package let head: String
    package let model: String
    package let start: Date
    package let end: Date
    package let media: Media
    /// The picture of the peak, a file.
    package let snapshot: String?
    /// Why it ended, if not by itself: "interrupted" after a crash.
    package let reason: String?
    /// What the score was compared by: "threshold", "against" (then it is a probability) or "false_alerts_per_day".
    package let rule: String?
    /// Queries of one group have one alert together; `query` is the one that leads it.
    package let group: String?

    package init(
        seq: Int64, prev: Int64?, event: String, phase: String, query: Query, stream: String, score: Double, peak: Peak,
        threshold: Double, head: String, model: String, start: Date, end: Date, media: Media, snapshot: String? = nil,
        reason: String? = nil, rule: String? = nil, group: String? = nil
    ) {
        self.seq = seq
        self.prev = prev
        self.event = event
        self.phase = phase
        self.query = query
        self.stream = stream
        self.score = score
        self.peak = peak
        self.threshold = threshold
        self.head = head
        self.model = model
        self.start = start
        self.end = end
        self.media = media
        self.snapshot = snapshot
        self.reason = reason
        self.rule = rule
        self.group = group
    }
}

/// A stream's change of state, topic `stream.<name>`.
package struct StreamMessage: Codable, Sendable, Equatable {
    package var v = 1
    package let seq: Int64
    package let prev: Int64?
    package let stream: String
    package let state: String
    package let reason: String?
    package let at: Date

    package init(seq: Int64, prev: Int64?, stream: String, state: String, reason: String?, at: Date) {
        self.seq = seq
        self.prev = prev
        self.stream = stream
        self.state = state
        self.reason = reason
        self.at = at
    }
}

/// What tells a subscriber, every some seconds, how far it should have come; topic `heartbeat`, not numbered itself.
package struct HeartbeatMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// Of the newest message that was published.
    package let seq: Int64
    /// Of the journal that numbers come from: with another one they began anew.
    package let journal: String
    package let journaled: Bool
    package let at: Date

    package init(seq: Int64, journal: String, journaled: Bool, at: Date) {
        self.seq = seq
        self.journal = journal
        self.journaled = journaled
        self.at = at
    }
}

/// First event of a stream whose journal goes on from another one; kind `journal`.
package struct JournalMessage: Codable, Sendable, Equatable {
    /// An earlier journal, and up to which number its messages are this one's.
    package struct Earlier: Codable, Sendable, Equatable {
        package let journal: String
        package let seq: Int64

        package init(journal: String, seq: Int64) {
            self.journal = journal
            self.seq = seq
        }
    }

    package var v = 1
    /// The number that the stream goes on after.
    package let seq: Int64
    package let journal: String
    package let earlier: [Earlier]

    package init(seq: Int64, journal: String, earlier: [Earlier]) {
        self.seq = seq
        self.journal = journal
        self.earlier = earlier
    }
}

/// In a replay, the place of messages that are not there any more; topic `lost`.
package struct LostMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// The last of them, so that a replay can go on after it.
    package let seq: Int64
    package let first: Int64
    package let last: Int64
    /// "retention"; "unjournaled": the disk was full for longer than messages could be kept; or "restored": the journal
    /// was replaced by an older copy.
    package let reason: String

    package init(first: Int64, last: Int64, reason: String) {
        seq = last
        self.first = first
        self.last = last
        self.reason = reason
    }
}

/// How everything on the wire is written: sorted keys, ISO 8601 UTC with milliseconds.
package enum WireCoding {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    package static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var value = encoder.singleValueContainer()
            try value.encode(date.formatted(style))
        }
        return try encoder.encode(value)
    }

    package static func decode<T: Decodable>(_ type: T.Type, _ data: Data) throws -> T {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            try style.parse(decoder.singleValueContainer().decode(String.self))
        }
        return try decoder.decode(type, from: data)
    }
}

/// Identifiers that sort by time: 48 bits of milliseconds, 80 random bits, Crockford's base 32.
package enum ULID {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    package static func make(at date: Date = Date()) -> String {
        let milliseconds = UInt64(max(0, date.timeIntervalSince1970 * 1000))
        let time = (0..<10).reversed().map { alphabet[Int(milliseconds >> (UInt64($0) * 5) & 31)] }
        return String(time + (0..<16).map { _ in alphabet[Int.random(in: 0..<32)] })
    }
}
