/// The video codecs whose coded units can be recorded without decoding.
package enum VideoCodec: String, Sendable, Codable {
    case h264 = "H.264"
    case h265 = "H.265"
}

/// The format of a stream's coded units; only units of one format can be in the same file.
package struct CodedFormat: Sendable, Equatable {
    package let codec: VideoCodec
    package let width: Int
    package let height: Int
    /// The format as GStreamer caps text; it has the parameter sets if they are not among the units.
    package let caps: String
    /// The latest parameter sets, with start codes, if the units carry them themselves; else empty.
    package let parameterSets: [UInt8]

    package init(codec: VideoCodec, width: Int, height: Int, caps: String, parameterSets: [UInt8] = []) {
        (self.codec, self.width, self.height) = (codec, width, height)
        (self.caps, self.parameterSets) = (caps, parameterSets)
    }
}

/// One coded picture of a stream as it arrived, copied before any is dropped.
package final class CodedUnit: Sendable {
    package let bytes: [UInt8]
    package let isKeyframe: Bool
    /// The presentation time in seconds of the source's own clock; nil if the unit has none.
    package let stamp: Double?
    /// The time at which the picture was taken, in seconds since 1970, as estimated from its presentation time.
    package let at: Double
    /// The time at which the unit arrived, in seconds of a steady clock.
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

/// A receiver of copies of a live stream's coded units, which records them.
///
/// Its methods are called on streaming threads, so they must not block.
package protocol UnitTaker: AnyObject, Sendable {
    /// True while units are to be recorded; otherwise they are not even copied.
    var isWanted: Bool { get }
    /// Begins a new opening of the source and returns its number; calls with earlier numbers are then ignored.
    func beginSession() -> Int
    /// Sets the format of the units that follow.
    func learn(_ format: CodedFormat, of session: Int)
    func take(_ unit: CodedUnit, of session: Int)
    /// Reports that this opening's units cannot be recorded, with their media type, such as "image/jpeg".
    func refuse(_ kind: String, of session: Int)
}
