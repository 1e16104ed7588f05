/// How much coded video is kept around an event, and for how long.
package struct ClipSettings: Sendable, Equatable {
    /// Seconds before an event's start.
    package var before = 5.0
    /// Seconds after an event's end.
    package var after = 10.0
    /// Seconds of the longest clip.
    package var longest = 120.0
    /// Megabytes (10^6 bytes) of coded video that each stream holds in memory.
    package var ringMegabytes = 8.0
    /// Days that clips are kept.
    package var days = 7.0
    /// Most of the disk that all clips take, in 10^9 bytes.
    package var gigabytes = 10.0
    /// Megabytes (10^6 bytes) of the disk that clips leave free: the journal may be on it, too.
    package var freeMegabytes = 256.0
    /// The directory; beside the journal's snapshots, if nil.
    package var directory: String?

    package init() {}
}
