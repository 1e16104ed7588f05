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
    /// When the state came to be so.
    package let since: Date
    /// How often its source was opened again.
    package let restarts: UInt64
    /// How often nothing came any more, and it was given up.
    package let stalls: UInt64
    /// Errors and, of a live source, ends.
    package let failures: UInt64
    /// Changes of its state.
    package let changes: UInt64
    /// Pipelines that did not stop in time, and were left to do so alone.
    package let abandoned: UInt64
    package let live: Bool
    package let fps: Double
    /// The coded pictures that are decoded now: "all", or "keyframes" alone.
    package let decoding: String
    /// Coded units dropped before the decoder.
    package let skippedUnits: UInt64
    /// How often keyframes became too rare for `decode: auto`, and everything was decoded again.
    package let returnsToAll: UInt64
    package let sampled: UInt64
    /// Sampled frames that showed nothing new: they kept their embedding.
    package let gated: UInt64
    /// Sampled frames a second that are scored: fewer than asked for while there is too much to do.
    package let effectiveFps: Double
    /// Frames that were left out for that, evenly over all live streams.
    package let shed: UInt64
    /// Frames that waited too long in a full queue.
    package let dropped: UInt64
    /// Seconds by which its pictures come later than they did at best since it was opened.
    package let lag: Double
    /// The health of its pictures: "black", "frozen" and "blurred" ones match nothing.
    package let picture: PictureHealth
    /// Names of the lanes of its regions.
    package let regions: [String]
    /// What queries select it by, besides its name.
    package let labels: [String]
    /// The configuration, or a socket.
    package let source: ConfigurationSource
    /// The coded video that comes, and what is held of it.
    package let recording: RingStatus?
}
