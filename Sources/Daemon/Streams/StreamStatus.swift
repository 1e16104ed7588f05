package import ControlAPI
package import Foundation
package import Pixels
package import Recording

/// A stream in `stream list` and `status`.
package struct StreamStatus: Codable, Sendable {
    package let name: String
    package let uri: String
    package let state: String
    package let reason: String?
    /// The time at which the state was entered.
    package let since: Date
    /// How often the source was opened again.
    package let restarts: UInt64
    /// How often the source was given up because no data came.
    package let stalls: UInt64
    /// The number of errors and, for a live source, ends.
    package let failures: UInt64
    /// The number of changes of the stream's state.
    package let changes: UInt64
    /// The number of pipelines that did not stop in time, and were abandoned.
    package let abandoned: UInt64
    package let live: Bool
    package let fps: Double
    /// The coded pictures that are decoded now: "all", or only "keyframes".
    package let decoding: String
    /// The number of coded units dropped before the decoder.
    package let skippedUnits: UInt64
    /// How often keyframes became too rare for `decode: auto`, so that everything was decoded again.
    package let returnsToAll: UInt64
    package let sampled: UInt64
    /// The number of sampled frames that showed nothing new, and kept their embedding.
    package let gated: UInt64
    /// The frames a second that are scored; fewer than configured under overload.
    package let effectiveFps: Double
    /// The number of samples left out under overload, evenly over all live streams.
    package let shed: UInt64
    /// The number of frames lost from a full queue.
    package let dropped: UInt64
    /// How much later pictures arrive than the earliest ones did since the source was opened, in seconds.
    package let lag: Double
    /// The health of the pictures; "black", "frozen" and "blurred" ones match nothing.
    package let picture: PictureHealth
    /// The names of the lanes of the stream's regions.
    package let regions: [String]
    /// The regions by name: x, y, width and height in fractions of the picture.
    package let rectangles: [String: [Double]]
    /// The labels by which queries select the stream.
    package let labels: [String]
    /// The origin of the stream: the configuration, or a socket.
    package let source: ConfigurationSource
    /// The coded video that comes, and what is held of it.
    package let recording: RingStatus?
}
