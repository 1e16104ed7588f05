package import Foundation
import Journal
import SystemSupport
import WireFormat

/// The value of the key `learn/STREAM` in etcd: what a node has learnt on a stream, for the node that takes it next.
///
/// It is a line of JSON with `node`, `epoch` and `bytes`, then that many bytes of JSON in zlib's raw deflate.
package struct LearntRecord: Sendable, Equatable {
    package let node: String
    package let epoch: Int64
    /// The learnt thresholds, as JSON of the daemon.
    package let json: Data

    /// The size limits of the JSON and of the value in etcd, in bytes; a request to etcd holds one such value.
    package static let (most, largest) = (8 << 20, 1_000_000)
    /// Words that the JSON has often, which makes what is compressed shorter.
    private static let words = Data(
        """
        [{"query":"","stream":"","calibration":{"alerts":0,"falseAlertsPerDay":1,"history":[{"at":1,"new":0.2,"old":,\
        "version":1,"why":"the warm-up is over"}],"ignored":0,"seconds":3600,"newer":{"clusters":,"heap":[0.1,0.2],\
        "level":0.1},"pin":{"basis":"tail","curve":[],"deviation":0.01,"mean":0.1,"threshold":0.2}}}]
        """.utf8)

    /// Returns a digest of learnt thresholds, which tells whether they have changed; it counts every byte, as the hash
    /// value of `Data` does not.
    package static func digest(of json: Data) -> UInt64 { FNV1a(json).hash }
    /// The digest of no thresholds.
    static let nothing = digest(of: Data("[]".utf8))

    private struct Head: Codable {
        let node: String
        let epoch: Int64
        let bytes: Int
    }

    package init(node: String, epoch: Int64, json: Data) { (self.node, self.epoch, self.json) = (node, epoch, json) }

    /// Reads a value of etcd; returns nil if it is none of this version.
    package init?(_ value: Data) {
        guard let end = value.firstIndex(of: UInt8(ascii: "\n")),
            let head = try? WireCoding.decode(Head.self, value[..<end]), (1...Self.most).contains(head.bytes),
            let json = Deflate.unpack(Data(value[value.index(after: end)...]), to: head.bytes, Self.words)
        else { return nil }
        self.init(node: head.node, epoch: head.epoch, json: json)
    }

    /// The value for etcd; nil if it is empty or too large.
    package var value: Data? {
        guard (1...Self.most).contains(json.count), let packed = Deflate.pack(json, Self.words),
            let head = try? WireCoding.encode(Head(node: node, epoch: epoch, bytes: json.count))
        else { return nil }
        let value = head + Data("\n".utf8) + packed
        return value.count <= Self.largest ? value : nil
    }
}
