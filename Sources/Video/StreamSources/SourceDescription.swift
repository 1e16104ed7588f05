package import Matching
package import Pixels

/// Description of a stream's source: where its video comes from, and how it is sampled.
package struct SourceDescription: Sendable, Equatable {
    package var uri: String
    /// Name of a pipeline template; chosen by the URI's scheme, if nil.
    package var template: String?
    /// Sampled frames a second of media time; fractions too.
    package var fps: Double
    /// Sampling of a file that is one clip, by frame numbers as the reference does, whatever `fps` is; nil for others.
    package var clip: ClipFrames?
    /// Units of a live source that are decoded; a file that is not played in real time is decoded whole.
    package var decode: DecodeMode
    /// Whether a file is played at its own speed, as if it were live.
    package var realtime: Bool
    /// Whether a file starts again when it has ended.
    package var loop: Bool
    /// Way from frames to square pictures.
    package var framing: Framing
    /// The launch line of template `custom`.
    package var launch: String?
    /// Levels by which no block of the picture may have changed for it to count as the same; nil never looks.
    package var gate: Double?
    /// Regions of the picture by name, sampled as lanes of their own beside the whole.
    package var regions: [String: PictureRegion]
    /// Whether frames carry a preview for people.
    package var previews: Bool
    /// Seconds of one and the same picture after which it counts as frozen.
    package var frozen: Double
    /// A file of `user:password`, or its name in `$CREDENTIALS_DIRECTORY`; read whenever the source is opened.
    package var credentials: String?
    /// The hosts that the credentials may be sent to; the URI's own alone, if nil.
    package var credentialHosts: [HostPattern]?
    /// Transport of an RTSP camera's packets; nil leaves it to the URI's scheme.
    package var transport: RTSPTransport?
    /// TLS certificates to trust in place of those of this machine's authorities.
    package var trust: TLSTrust?
    /// Whether every coded unit is made, also those that are not decoded, since somebody keeps them.
    package var keepsUnits = false
    /// Limits on what the stream may open; nil has none.
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

/// Choice of the frames of a clip that become pictures.
package struct ClipFrames: Sendable, Equatable {
    package var sampling: ClipSampling
    /// Places among the sampled frames; all, if nil, and none at all only counts them.
    package var wanted: Set<Int>?

    package init(_ sampling: ClipSampling, wanted: Set<Int>? = nil) {
        self.sampling = sampling
        self.wanted = wanted
    }
}

/// Choice of the coded units of a stream that go to the decoder.
package enum DecodeMode: String, Codable, Sendable, CaseIterable {
    case all
    case keyframes
    /// Keyframes, as long as they come at least as often as frames are sampled; under load that is less often.
    case auto
}
