package import Foundation
package import Matching
package import Pixels

/// Where a stream's video comes from, and how it is sampled.
package struct SourceDescription: Sendable, Equatable {
    package var uri: String
    /// Name of a pipeline template; chosen by the URI's scheme, if nil.
    package var template: String?
    /// Sampled frames a second of media time; fractions too.
    package var fps: Double
    /// The file is one clip, sampled by frame numbers as the reference does; `fps` is not looked at.
    package var clip: ClipFrames?
    /// What of a live source is decoded; of a file that is not played in real time, all is.
    package var decode: DecodeMode
    /// A file is played at its own speed, as if it were live.
    package var realtime: Bool
    /// A file starts again when it has ended.
    package var loop: Bool
    /// How frames become square pictures.
    package var framing: Framing
    /// The launch line of template `custom`.
    package var launch: String?
    /// Levels by which no block of the picture may have changed for it to count as the same; nil never looks.
    package var gate: Double?
    /// Parts of the picture that are sampled as lanes of their own, beside the whole.
    package var regions: [String: PictureRegion]
    /// Whether frames carry a preview for people.
    package var previews: Bool
    /// Seconds of one and the same picture after which it counts as frozen.
    package var frozen: Double
    /// A file of `user:password`, or its name in `$CREDENTIALS_DIRECTORY`; read whenever the source is opened.
    package var credentials: String?
    /// The hosts that the credentials may be sent to; the URI's own alone, if nil.
    package var credentialHosts: [HostPattern]?
    /// How an RTSP camera's packets come; as the URI's scheme says, if nil.
    package var transport: RTSPTransport?
    /// Whose certificate is trusted, besides those of this machine's authorities.
    package var trust: TLSTrust?
    /// Limits on what the stream may open; none, if nil.
    package var policy: SourcePolicy?

    package init(
        uri: String, template: String? = nil, fps: Double, decode: DecodeMode = .auto, realtime: Bool = false,
        loop: Bool = false, side: Int, launch: String? = nil, gate: Double? = nil,
        regions: [String: PictureRegion] = [:], previews: Bool = false,
        frozen: Double = 60, credentials: String? = nil, framing: Framing? = nil
    ) {
        self.uri = uri
        self.template = template
        self.fps = fps
        self.decode = decode
        self.realtime = realtime
        self.loop = loop
        self.framing = framing ?? Framing(side: side)
        self.launch = launch
        self.gate = gate
        self.regions = regions
        self.previews = previews
        self.frozen = frozen
        self.credentials = credentials
    }
}

/// Which frames of a clip become pictures.
package struct ClipFrames: Sendable, Equatable {
    package var sampling: ClipSampling
    /// Places among the sampled frames; all, if nil, and none at all only counts them.
    package var wanted: Set<Int>?

    package init(_ sampling: ClipSampling, wanted: Set<Int>? = nil) {
        self.sampling = sampling
        self.wanted = wanted
    }
}

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

/// What a source tells of itself.
package enum SourceEvent: Sendable, Equatable {
    /// The first picture has been decoded.
    case started
    /// Size of the decoded pictures, at the start and whenever it changes.
    case formatChanged(String)
    /// It has no end after all, as its pipeline says; `inBursts`: it comes in segments, faster than it is made.
    case live(inBursts: Bool)
    case warning(String)
    case endOfStream
    case failed(String)
    /// Its server is busy, and wants to be left alone for so long.
    case busy(String, Duration)
}

/// A source that cannot be used: one sentence that names it, without credentials.
package struct SourceError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether the source is there and can be read, and what is in it is no good.
    package let isBadData: Bool

    package init(_ description: String, isBadData: Bool = false) {
        (self.description, self.isBadData) = (description, isBadData)
    }
}

/// URIs as people write them: a bare path is a file, and credentials are for nobody's eyes.
package enum SourceURI {
    /// The scheme, lower-case; nil for a bare path.
    package static func scheme(_ uri: String) -> String? {
        // The one scheme that is written without a host, too.
        if uri.prefix(6).lowercased() == "file:/" { return "file" }
        guard let range = uri.range(of: "://"), !uri[..<range.lowerBound].isEmpty,
            uri[..<range.lowerBound].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+.-".contains($0)) })
        else { return nil }
        return uri[..<range.lowerBound].lowercased()
    }

    /// The URI with scheme, host, port, and of the rest only what is known to be harmless; or any text that quotes one.
    package static func redacted(_ text: String) -> String { Redaction.redacted(text) }

    /// The file of a bare path or a `file:` URI, else nil.
    static func file(_ uri: String) -> String? { SourcePath(uri)?.text }
}
