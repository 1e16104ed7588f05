/// A lane's clock: wall-clock time at its first window, then advanced by media time.
///
/// Jumps of the stream's own times do not set it back.
package struct LaneClock: Sendable {
    package private(set) var now = 0.0
    private var latest: Double?

    package init() {}

    /// Advances to the end of a window: by media time, or to the wall clock if the stream jumped.
    package mutating func advance(media: Double, wall: Double) {
        if let latest, media >= latest { now += media - latest } else { now = max(now, wall) }
        latest = media
    }
}
