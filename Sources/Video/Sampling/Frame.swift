package import Foundation
package import Pixels

/// A sampled frame, or a region of one, resized for the encoder.
package struct Frame: Sendable {
    /// The region that the frame shows; nil means the whole picture.
    package let region: String?
    package let picture: Picture
    /// The number of the picture: frames with one number share a picture, since the gate found no change.
    package let pictureNumber: UInt64
    /// The position in a file, or the time since a live stream began, in seconds.
    ///
    /// It never decreases within a source.
    package let mediaTime: Double
    /// The wall-clock time of a live frame's time stamp; for a file, the time of decoding.
    package let wallClock: Date
    /// The time at which the decoder got the frame's unit; for a film in real time, when the frame was due.
    package let received: ContinuousClock.Instant
    /// Whether the frame does not continue a previous one: the first frame, and the first after a jump.
    package let discontinuity: Bool
    /// Preview for people, if previews were asked for.
    package let preview: Preview?
    /// Health of the picture: whether it shows anything.
    package let health: PictureHealth

    package init(
        picture: Picture, pictureNumber: UInt64, mediaTime: Double, wallClock: Date,
        received: ContinuousClock.Instant = .now, discontinuity: Bool,
        region: String? = nil, preview: Preview? = nil,
        health: PictureHealth = .good
    ) {
        self.region = region
        self.preview = preview
        self.health = health
        self.picture = picture
        self.pictureNumber = pictureNumber
        self.mediaTime = mediaTime
        self.wallClock = wallClock
        self.received = received
        self.discontinuity = discontinuity
    }
}
