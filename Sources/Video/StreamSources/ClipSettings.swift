/// The settings of clips, the video files kept for events: their lengths, their age, and the memory and disk they take.
package struct ClipSettings: Sendable, Equatable {
    /// The seconds of video that a clip has before its event's start.
    package var before = 5.0
    /// The seconds of video that a clip has after its event's end.
    package var after = 10.0
    /// The greatest length of a clip in seconds.
    package var longest = 120.0
    /// The most coded video that each stream keeps in memory for clips, in megabytes (10^6 bytes).
    package var ringMegabytes = 8.0
    /// The days after which a clip is deleted.
    package var days = 7.0
    /// The most disk space that all clips together take, in gigabytes (10^9 bytes).
    package var gigabytes = 10.0
    /// The directory of the clips; nil means a directory beside the snapshots of the event journal.
    package var directory: String?

    package init() {}
}
