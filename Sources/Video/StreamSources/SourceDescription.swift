package import Matching
package import Pixels

/// A stream's source: the origin of its video, and how it is sampled.
package struct SourceDescription: Sendable, Equatable {
    package var uri: String
    /// The name of a pipeline template; nil chooses it by the URI's scheme.
    package var template: String?
    /// The sampled frames a second of media time, possibly a fraction.
    package var fps: Double
    /// The sampling of a file that is one clip, by frame numbers like CLIP4Clip, instead of `fps`; nil for others.
    package var clip: ClipFrames?
    /// The units of a live source to decode; a file that is not played in real time is decoded completely.
    package var decode: DecodeMode
    /// Whether a file is played in real time, as if it were live.
    package var realtime: Bool
    /// Whether a file starts again at its end.
    package var loop: Bool
    /// How frames become square pictures.
    package var framing: Framing
    /// The launch line of template `custom`.
    package var launch: String?
    /// The least change of a block, in levels, for a picture to count as changed; nil counts every picture.
    package var gate: Double?
    /// The regions by name, each sampled as a lane beside that of the whole picture.
    package var regions: [String: PictureRegion]
    /// Whether frames carry a preview for people.
    package var previews: Bool
    /// The seconds of an identical picture after which it counts as frozen.
    package var frozen: Double
    /// A file with `user:password`, or its name in `$CREDENTIALS_DIRECTORY`; read whenever the source is opened.
    package var credentials: String?
    /// The hosts that the credentials may be sent to; nil means only the URI's own.
    package var credentialHosts: [HostPattern]?
    /// The transport of an RTSP camera's packets; nil leaves it to the URI's scheme.
    package var transport: RTSPTransport?
    /// The TLS certificates to trust instead of those of this machine's authorities; nil means the authorities.
    package var trust: TLSTrust?
    /// The limits on what the stream may open; nil means no limits.
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

/// The choice of a clip's frames that become pictures.
package struct ClipFrames: Sendable, Equatable {
    package var sampling: ClipSampling
    /// The indices of the wanted frames among the sampled ones; nil means all, an empty set only counts them.
    package var wanted: Set<Int>?

    package init(_ sampling: ClipSampling, wanted: Set<Int>? = nil) {
        self.sampling = sampling
        self.wanted = wanted
    }
}

/// The choice of a stream's coded units that are decoded.
package enum DecodeMode: String, Codable, Sendable, CaseIterable {
    case all
    case keyframes
    /// Keyframes alone, if they come at least as often as samples are due; under load, less often is enough.
    case auto
}
