package import Foundation
import WireFormat

/// `meta`: which fleet this is.
package struct FleetMeta: Codable, Sendable, Equatable {
    /// A new one after the engine was restored from a snapshot.
    package let identity: String
    package let schema: Int
    package let model: String

    package init(identity: String, schema: Int, model: String) {
        (self.identity, self.schema, self.model) = (identity, schema, model)
    }

    /// The version of the keys and values that this program writes.
    package static let schema = 1
}

/// `node/<n>`: a node as the others see it.
package struct NodeRecord: Codable, Sendable, Equatable {
    /// Identity of its journal: another node of the same name has another.
    package var journal: String
    package var host: String
    package var version: String
    package var labels: [String]
    /// Names of camera credentials that it holds.
    package var credentials: [String]
    package var cores: Double
    /// CPU-seconds that the process takes a second.
    package var cpu: Double
    /// Streams that it runs.
    package var streams: Int
    /// Whether it leaves out frames since it has too much to do.
    package var sheds: Bool
    /// Names of those that play.
    package var playing: [String]
    /// States of the others; at most 100.
    package var troubled: [String: String]
    /// Messages of its journal that are not in the fleet's log yet.
    package var waiting: Int64

    package init(
        journal: String, host: String, version: String, labels: [String], credentials: [String], cores: Double,
        cpu: Double = 0, streams: Int = 0, sheds: Bool = false, playing: [String] = [],
        troubled: [String: String] = [:], waiting: Int64 = 0
    ) {
        (self.journal, self.host, self.version, self.labels) = (journal, host, version, labels)
        (self.credentials, self.cores, self.cpu, self.streams) = (credentials, cores, cpu, streams)
        (self.sheds, self.playing, self.troubled, self.waiting) = (sheds, playing, troubled, waiting)
    }
}

/// `own/<s>`: who runs a stream, as "node/epoch"; "/epoch" once it was released.
package struct Ownership: Sendable, Equatable {
    /// Empty where the last owner has released the stream.
    package let node: String
    /// The fencing token: it only grows.
    package let epoch: Int64

    package init(_ node: String, epoch: Int64) { (self.node, self.epoch) = (node, epoch) }

    package init?(_ data: Data) {
        let parts = String(decoding: data.prefix(200), as: UTF8.self).split(
            separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let epoch = Int64(parts[1]), epoch > 0 else { return nil }
        self.init(String(parts[0]), epoch: epoch)
    }

    package var data: Data { Data("\(node)/\(epoch)".utf8) }
}

/// `head`: the newest number of the fleet's log, and the bytes that it has taken since it began.
package struct LogHead: Codable, Sendable, Equatable {
    package var seq: Int64
    package var bytes: Int64

    package init(seq: Int64 = 0, bytes: Int64 = 0) { (self.seq, self.bytes) = (seq, bytes) }
}

/// A value with the revisions of its key.
package struct Versioned<Value: Sendable & Equatable>: Sendable, Equatable {
    package let value: Value
    package let created: Int64
    package let modified: Int64
    package let lease: Int64

    package init(_ value: Value, _ stored: StoredValue) {
        (self.value, created, modified, lease) = (value, stored.created, stored.modified, stored.lease)
    }
}
