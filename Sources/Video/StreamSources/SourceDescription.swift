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

/// Which of a stream's coded units go to the decoder.
package enum DecodeMode: String, Codable, Sendable, CaseIterable {
    case all
    case keyframes
    /// Keyframes, as long as they come at least as often as frames are sampled; under load that is less often.
    case auto
}
