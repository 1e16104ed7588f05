/// Names of lanes: `stream` for a stream's whole picture, `stream/region` for a region.
package enum LaneName {
    package static func of(_ stream: String, _ region: String?) -> String {
        region.map { "\(stream)/\($0)" } ?? stream
    }

    /// The stream of a lane.
    package static func stream(of lane: String) -> String { String(lane.prefix { $0 != "/" }) }

    /// All lanes of a stream, that of its whole picture first.
    package static func all(_ stream: String, _ regions: some Sequence<String>) -> [String] {
        [stream] + regions.sorted().map { of(stream, $0) }
    }
}
