import CGStreamer
import StreamSources

/// Finds out whether a source has an end, which its scheme alone may not tell.
struct SourceEnd {
    /// Whether the scheme or template tells that the source is live, as for cameras.
    let isKnownLive: Bool
    /// Whether the source had no end when it was opened earlier.
    let wasLive: Bool
    private(set) var isAsked = false

    /// The kind of end.
    enum Answer: Equatable {
        case live(inBursts: Bool)
        /// A camera, whose pictures come by its own clock.
        case camera
        /// A film; `isOver` if the source had no end before.
        case finite(isOver: Bool)
    }

    init(isKnownLive: Bool, wasLive: Bool) {
        self.isKnownLive = isKnownLive
        self.wasLive = wasLive
        isAsked = isKnownLive
    }

    /// Asks the pipeline; nil while it does not know, and after the first answer.
    mutating func ask(_ pipeline: Pipeline, sawVideo: Bool) -> Answer? {
        guard !isAsked else { return nil }
        let end = ww_ask_end(pipeline.element, pipeline.sink, sawVideo ? 1 : 0)
        guard end != WW_END_UNKNOWN else { return nil }
        isAsked = true
        return switch end {
        case WW_END_CAMERA: .camera
        case WW_END_NONE: .live(inBursts: false)
        case WW_END_NONE_YET: .live(inBursts: true)
        default: .finite(isOver: wasLive)
        }
    }

    /// The schemes whose sources are always live.
    static let liveSchemes: Set<String> = ["udp", "srt", "rist", "sdp"]
    /// The templates whose sources are always live.
    static let liveTemplates: Set<String> = ["rtsp", "rtsp-tcp", "rtmp", "v4l2", "test", "shapes", "snapshot"]
    /// The templates whose pictures have the time of the pipeline's clock, from the first picture on.
    static let clockTemplates: Set<String> = ["rtsp", "rtsp-tcp", "v4l2", "test", "shapes", "snapshot"]

    static func isKnownLive(_ description: SourceDescription, template: String) -> Bool {
        liveTemplates.contains(template) || liveSchemes.contains(SourceURI.scheme(description.uri) ?? "")
            || description.uri.lowercased().hasSuffix(".sdp") || description.realtime
    }
}
