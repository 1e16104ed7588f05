/// The codecs of video that can be recorded without decoding it.
package enum VideoCodec: String, Sendable, Codable {
    case h264 = "H.264"
    case h265 = "H.265"
}

/// The format of a stream's coded pictures; which of them can be in the same file, `continues` says.
package struct CodedFormat: Sendable, Equatable {
    package let codec: VideoCodec
    package let width: Int
    package let height: Int
    /// The format as text of GStreamer caps; it has the parameter sets if the coded pictures do not carry them.
    package let caps: String
    /// The latest parameter sets, with start codes, if the coded pictures carry them; else empty.
    package let parameterSets: [UInt8]
    /// The parameter sets of the sequence (SPS, VPS), without those of single pictures (PPS).
    private let sequenceSets: [UInt8]

    package init(codec: VideoCodec, width: Int, height: Int, caps: String, parameterSets: [UInt8] = []) {
        (self.codec, self.width, self.height) = (codec, width, height)
        (self.caps, self.parameterSets) = (caps, parameterSets)
        sequenceSets = ParameterSets.sequence(parameterSets, codec)
    }

    /// Returns true if pictures of this format can follow those of another in a file.
    ///
    /// Only sets of pictures (PPS) may differ: a picture that uses them brings them.
    package func continues(_ other: CodedFormat) -> Bool {
        (codec, width, height, caps) == (other.codec, other.width, other.height, other.caps)
            && sequenceSets == other.sequenceSets
    }
}

/// One coded picture of a stream as it arrived, copied before any is dropped.
package final class CodedUnit: Sendable {
    package let bytes: [UInt8]
    package let isKeyframe: Bool
    /// The picture's presentation time in seconds of the source's own clock; nil if it has none.
    package let stamp: Double?
    /// The time at which the picture was taken, in seconds since 1970, as estimated from its presentation time.
    package let at: Double
    /// The time at which the coded picture arrived, in seconds of a steady clock.
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

/// An object that records a live stream: it receives copies of the stream's coded pictures.
///
/// Its methods are called on streaming threads, so they must not block.
package protocol UnitTaker: AnyObject, Sendable {
    /// True while coded pictures are to be recorded; otherwise they are not even copied.
    var isWanted: Bool { get }
    /// Begins a new session, one opening of the source, and returns its number.
    ///
    /// Calls with the number of an earlier session are then ignored.
    func beginSession() -> Int
    /// Sets the format of the coded pictures that follow.
    func learn(_ format: CodedFormat, of session: Int)
    func take(_ unit: CodedUnit, of session: Int)
    /// Reports that the source's video cannot be recorded in this session; `kind` is its media type ("image/jpeg").
    func refuse(_ kind: String, of session: Int)
}
