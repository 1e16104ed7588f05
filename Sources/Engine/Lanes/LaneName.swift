/// The names of lanes: "stream" for a stream's whole picture, "stream/region" for a region of it.
package enum LaneName {
    package static func of(_ stream: String, _ region: String?) -> String {
        region.map { "\(stream)/\($0)" } ?? stream
    }

    /// Returns the stream's name of a lane's name: "lobby" for "lobby" and for "lobby/door".
    package static func stream(of lane: String) -> String { String(lane.prefix { $0 != "/" }) }

    /// Returns the names of a stream's whole picture ("lobby") and of its regions ("lobby/door"), in this order.
    package static func all(_ stream: String, _ regions: some Sequence<String>) -> [String] {
        [stream] + regions.sorted().map { of(stream, $0) }
    }
}
