package import Foundation
import WireFormat

/// The value of the key `meta` in etcd: the fleet's identity, the version of its keys, and the model of all nodes.
package struct FleetMeta: Codable, Sendable, Equatable {
    /// The fleet's identity; the operator gives the fleet a new one after etcd was restored from a backup.
    package let identity: String
    package let schema: Int
    package let model: String

    package init(identity: String, schema: Int, model: String) {
        (self.identity, self.schema, self.model) = (identity, schema, model)
    }

    /// The version of the key and value formats that this program reads and writes.
    package static let schema = 1
}

/// The value of the key `node/NAME` in etcd: the state of one node, for the other nodes to read.
package struct NodeRecord: Codable, Sendable, Equatable {
    /// The identity of the node's message journal; it differs if two nodes have the same name.
    package var journal: String
    package var host: String
    package var version: String
    package var labels: [String]
    /// The names of the camera credentials in the node's configuration.
    package var credentials: [String]
    package var cores: Double
    /// The CPU time of the node's process, in CPU-seconds per second.
    package var cpu: Double
    /// The number of streams that the node runs.
    package var streams: Int
    /// True while the node leaves out frames because it is overloaded.
    package var sheds: Bool
    /// The names of the streams that are playing on the node.
    package var playing: [String]
    /// The states of the node's streams that are not playing, by stream name; at most 100 are listed.
    package var troubled: [String: String]
    /// The number of messages in the node's journal that are not yet in the fleet's log.
    package var waiting: Int64
    /// The node's wall clock when the record was written, in seconds since 1970; nil from an older version.
    package var clock: Double?

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

/// The value of the key `own/STREAM` in etcd: the node that runs a stream, as "node/epoch", or "/epoch" for none.
package struct Ownership: Sendable, Equatable {
    /// The node that runs the stream; empty after that node has released it.
    package let node: String
    /// The number of the claim (a fencing token); it grows each time a node takes the stream.
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

/// The value of the key `head` in etcd: the log's newest message number, and the total bytes ever written to it.
package struct LogHead: Codable, Sendable, Equatable {
    package var seq: Int64
    package var bytes: Int64

    /// The greatest number that is read: far above what a fleet writes, and far below what overflows.
    static let most = Int64.max / 4

    package init(seq: Int64 = 0, bytes: Int64 = 0) { (self.seq, self.bytes) = (seq, bytes) }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        seq = try values.decode(Int64.self, forKey: .seq)
        bytes = try values.decode(Int64.self, forKey: .bytes)
        guard (0...Self.most).contains(seq), (0...Self.most).contains(bytes) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "the log's head is out of range"))
        }
    }
}

/// A decoded value, with the revisions and the lease of its key in etcd.
package struct Versioned<Value: Sendable & Equatable>: Sendable, Equatable {
    package let value: Value
    package let created: Int64
    package let modified: Int64
    package let lease: Int64

    package init(_ value: Value, _ stored: StoredValue) {
        (self.value, created, modified, lease) = (value, stored.created, stored.modified, stored.lease)
    }
}
