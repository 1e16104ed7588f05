/// Converts times in seconds, which files and senders state, to GStreamer's nanoseconds.
package enum MediaTime {
    /// The latest time that is converted, in seconds: about 32 years.
    package static let latest = 1e9

    /// Returns a time in nanoseconds; nil if it is no number from 0 to `latest` seconds.
    package static func nanoseconds(_ seconds: Double) -> UInt64? {
        (0...latest).contains(seconds) ? UInt64(seconds * 1e9) : nil
    }
}
