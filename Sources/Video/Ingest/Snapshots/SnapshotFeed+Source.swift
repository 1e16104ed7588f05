import CGStreamer
import StreamSources

extension SnapshotFeed {
    /// The name of the bus message that says that a stream arrived instead of a picture.
    static let stream = "watchword-stream"

    /// Returns true if a bus message says that the source sends a stream instead of a picture, or the reverse.
    ///
    /// The message must be about the source's own address: a playlist's segments may be declared as pictures.
    static func isAnswer(_ message: UnsafeMutablePointer<GstMessage>, of uri: String) -> Bool {
        if ww_message_is_word(message, stream) != 0 { return true }
        guard ww_message_is_word(message, HTTPAnswerWatch.onePicture) != 0, let place = ww_message_location(message)
        else { return false }
        defer { g_free(place) }
        return SnapshotAddress.parted(String(cString: place)).uri == SnapshotAddress.parted(uri).uri
    }

    /// Makes the feed that reads a source's pictures, one for each sampled frame, from a file or an HTTP address.
    convenience init(
        _ source: SourceDescription, uri: String, database: TLSDatabase?, activity: SourceActivity,
        onWarning: @escaping @Sendable (String) -> Void, onEnd: @escaping @Sendable (End) -> Void
    ) {
        let cancellation = FetchCancellation()
        let shown = SourceURI.redacted(source.uri)
        self.init(
            shown: shown, fps: source.fps, activity: activity, cancellation: cancellation,
            makeReader: {
                if let path = SourcePath(source.uri) { return SnapshotFile(path: path, shown: shown) }
                return SnapshotAddress(
                    uri: uri, shown: shown, policy: source.policy, hasCredentials: source.credentials != nil,
                    database: database, cancellation: cancellation)
            }, onWarning: onWarning, onEnd: onEnd)
    }
}
