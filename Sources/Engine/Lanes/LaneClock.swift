/// The clock of a lane (a stream or region), in seconds: it starts at wall-clock time and advances with media time.
///
/// If media time jumps back, the clock does not: it advances to the wall clock, if that is later.
package struct LaneClock: Sendable {
    package private(set) var now = 0.0
    private var latest: Double?

    package init() {}

    /// Advances to the end of a window: by the media time that passed, or to the wall clock if media time jumped back.
    package mutating func advance(media: Double, wall: Double) {
        if let latest, media >= latest { now += media - latest } else { now = max(now, wall) }
        latest = media
    }
}
