/// A lane's clock: seconds since 1970 at its first window; from then on by media time, whatever the stream's own times
/// do.
package struct LaneClock: Sendable {
    package private(set) var now = 0.0
    private var latest: Double?

    package init() {}

    /// Goes on to the end of a window: by media time, or to the wall clock's where the stream jumped.
    package mutating func advance(media: Double, wall: Double) {
        if let latest, media >= latest { now += media - latest } else { now = max(now, wall) }
        latest = media
    }
}
