/// Names of lanes: a stream's whole picture is a lane of the stream's name, a region of it is `stream/region`.
package enum Lane {
    package static func name(_ stream: String, _ region: String?) -> String {
        region.map { "\(stream)/\($0)" } ?? stream
    }

    /// All lanes of a stream, its own first.
    package static func names(_ stream: String, _ regions: some Sequence<String>) -> [String] {
        [stream] + regions.sorted().map { name(stream, $0) }
    }
}
