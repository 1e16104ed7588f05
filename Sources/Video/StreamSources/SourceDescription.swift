package import Matching
package import Pixels

/// A stream's video source: its URI, how it is opened, and how its frames are sampled.
package struct SourceDescription: Sendable, Equatable {
    package var uri: String
    /// The name of a GStreamer pipeline template; nil chooses the template by the URI's scheme.
    package var template: String?
    /// The number of frames sampled for each second of media time; it may be a fraction.
    package var fps: Double
    /// The choice of frames by their numbers instead of by `fps`, as CLIP4Clip samples a short film; nil uses `fps`.
    package var clip: ClipFrames?
    /// The coded pictures of a live source that are decoded: all or keyframes; a file is always decoded completely.
    ///
    /// A file that is played in real time counts as live.
    package var decode: DecodeMode
    /// True if a file is played in real time, like a live source.
    package var realtime: Bool
    /// True if a file starts again at its end.
    package var loop: Bool
    /// The scaling and cropping of frames to the square pictures that the image encoder takes.
    package var framing: Framing
    /// The GStreamer launch line (as for `gst-launch-1.0`) that is used by the template `custom`.
    package var launch: String?
    /// The least change between frames, in levels of 0 to 255, that makes the newer one a new picture to embed.
    ///
    /// The block of the frame that changes most is compared. Nil makes every frame a new picture.
    package var gate: Double?
    /// The regions of the picture that are sampled too, beside the whole picture, by their names.
    package var regions: [String: PictureRegion]
    /// True if each sampled frame carries a small picture (`Preview`) to show to people.
    package var previews: Bool
    /// The seconds without any change in the picture after which it is reported as frozen.
    package var frozen: Double
    /// The file that holds `user:password`: a path, or a name in `$CREDENTIALS_DIRECTORY`; read at each opening.
    package var credentials: String?
    /// The hosts that the credentials may be sent to; nil means only the URI's own.
    package var credentialHosts: [HostPattern]?
    /// The transport of an RTSP camera's packets; nil leaves the choice to the URI's scheme.
    package var transport: RTSPTransport?
    /// The TLS certificates to trust instead of the system's certificate authorities; nil trusts the authorities.
    package var trust: TLSTrust?
    /// The limits on what this source may open, for streams that a client added; nil means no limits.
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

/// The choice of the frames of a short film that are embedded, by their numbers.
package struct ClipFrames: Sendable, Equatable {
    package var sampling: ClipSampling
    /// The indices of the frames to return, counted among the sampled ones; nil means all of them.
    ///
    /// With an empty set, no frame is returned, and the sampled frames are only counted.
    package var wanted: Set<Int>?

    package init(_ sampling: ClipSampling, wanted: Set<Int>? = nil) {
        self.sampling = sampling
        self.wanted = wanted
    }
}

/// The choice of a stream's coded pictures that are decoded.
package enum DecodeMode: String, Codable, Sendable, CaseIterable {
    case all
    case keyframes
    /// Keyframes alone if they come at least as often as frames are sampled, else all coded pictures.
    ///
    /// Under overload, rarer keyframes are enough.
    case auto
}
