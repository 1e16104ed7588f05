package import Foundation
package import Pixels

/// A sampled frame of a stream, or one region of it, resized for the image encoder.
package struct Frame: Sendable {
    /// The name of the region that the frame shows; nil means the whole picture.
    package let region: String?
    package let picture: Picture
    /// The number of the picture; frames with the same number have the same picture, because too little had changed.
    package let pictureNumber: UInt64
    /// The position in a file, or the time since a live stream began, in seconds.
    ///
    /// It never decreases within a source.
    package let mediaTime: Double
    /// The wall-clock time at which a live frame was taken, by its time stamp; for a file, the time of decoding.
    package let wallClock: Date
    /// The time at which the frame's coded data arrived; for a file played in real time, the time when it was due.
    package let received: ContinuousClock.Instant
    /// True for the first frame of a source and the first after a jump: it does not continue the frame before.
    package let discontinuity: Bool
    /// A small picture of the frame to show to people; nil if previews are off.
    package let preview: Preview?
    /// The health of the stream's whole picture, such as black or frozen.
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
