/// The kind of video that is recorded as it comes.
package enum VideoCodec: String, Sendable, Codable {
    case h264 = "H.264"
    case h265 = "H.265"
}

/// The format of a stream's coded units: units of one format can be in one file.
package struct CodedFormat: Sendable, Equatable {
    package let codec: VideoCodec
    package let width: Int
    package let height: Int
    /// The units' description as GStreamer writes it, with parameter sets where they are not among the units.
    package let caps: String
    /// Parameter sets with their start codes, of units that bring them along; the latest ones.
    package let parameterSets: [UInt8]

    package init(codec: VideoCodec, width: Int, height: Int, caps: String, parameterSets: [UInt8] = []) {
        (self.codec, self.width, self.height) = (codec, width, height)
        (self.caps, self.parameterSets) = (caps, parameterSets)
    }
}

/// One coded picture of a stream as it came, copied before any is dropped.
package final class CodedUnit: Sendable {
    package let bytes: [UInt8]
    package let isKeyframe: Bool
    /// Presentation time in seconds of the source's own clock; nil without one.
    package let stamp: Double?
    /// Seconds since 1970 when the picture was there, as a frame's wall clock.
    package let at: Double
    /// Seconds of a steady clock when the unit came.
    package let arrival: Double
    package let format: CodedFormat

    package init(
        _ bytes: [UInt8], isKeyframe: Bool, stamp: Double?, at: Double, arrival: Double, format: CodedFormat
    ) {
        self.bytes = bytes
        self.isKeyframe = isKeyframe
        self.stamp = stamp
        self.at = at
        self.arrival = arrival
        self.format = format
    }
}

/// Taker of a stream's coded units; called on streaming threads, so nothing of it waits.
package protocol UnitTaker: AnyObject, Sendable {
    /// Whether anybody wants units now: they are not even copied otherwise.
    var isWanted: Bool { get }
    /// Begins a session: units of earlier ones are not taken any more.
    func beginSession() -> Int
    /// Says what units come from now on.
    func learn(_ format: CodedFormat, of session: Int)
    func take(_ unit: CodedUnit, of session: Int)
    /// Says that the session's units cannot be recorded, and of what kind they are ("image/jpeg").
    func refuse(_ kind: String, of session: Int)
}
