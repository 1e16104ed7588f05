package import Foundation
package import Pixels

/// A sampled frame, or a region of one, resized for the encoder.
package struct Frame: Sendable {
    /// The region that it shows; the whole picture, if nil.
    package let region: String?
    package let picture: Picture
    /// Number of the picture: frames with the same number have the same picture, since the gate found no change.
    package let pictureNumber: UInt64
    /// Seconds: place in a file, or time since a live stream began.
    ///
    /// Never runs backwards within a source.
    package let mediaTime: Double
    /// Wall-clock time of a live frame's time stamp, before it was decoded; of a file, the time of decoding.
    package let wallClock: Date
    /// Time at which the decoder got the frame's unit; of a film in real time, at which the frame was due.
    package let received: ContinuousClock.Instant
    /// Whether the frame continues none before it: the first one, and the first after a jump.
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
