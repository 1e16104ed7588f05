package import Foundation
package import Pixels

/// A sampled frame, or a region of one, resized for the encoder.
package struct Frame: Sendable {
    /// The region that it shows; the whole picture, if nil.
    package let region: String?
    package let picture: Picture
    /// Frames of a source with one number have one picture: the gate found no change.
    package let pictureNumber: UInt64
    /// Seconds: place in a file, or time since a live stream began.
    ///
    /// Never runs backwards within a source.
    package let mediaTime: Double
    /// When a live source gave the frame, before it was decoded: its time stamp on the pipeline's clock.
    ///
    /// Of a file, when it was decoded.
    package let wallClock: Date
    /// When what it was decoded from came to the decoder; of a film, which waits for its time, when it was shown.
    package let received: ContinuousClock.Instant
    /// The first frame, and the first after a jump: what was seen before does not continue here.
    package let discontinuity: Bool
    /// What people are shown of it, where that is asked for.
    package let preview: Preview?
    /// Whether it shows anything.
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
