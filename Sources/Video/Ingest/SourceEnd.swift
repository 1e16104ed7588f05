import CGStreamer
import StreamSources

/// Finds out whether a source is live or has an end, which its URI scheme alone may not tell.
struct SourceEnd {
    /// True if the URI scheme or the pipeline template already tells that the source is live, as for cameras.
    let isKnownLive: Bool
    /// True if the source was live when it was opened earlier.
    let wasLive: Bool
    private(set) var isAsked = false

    /// The pipeline's answer to the question whether its source has an end.
    enum Answer: Equatable {
        case live(inBursts: Bool)
        /// A live camera, whose pictures are timed by the pipeline's clock.
        case camera
        /// A film, which has an end; `isOver` is true if the source was live before, so the live stream is over.
        case finite(isOver: Bool)
    }

    init(isKnownLive: Bool, wasLive: Bool) {
        self.isKnownLive = isKnownLive
        self.wasLive = wasLive
        isAsked = isKnownLive
    }

    /// Asks the pipeline whether its source has an end; nil while it does not know, and after the first answer.
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

    /// The URI schemes whose sources are always live.
    static let liveSchemes: Set<String> = ["udp", "srt", "rist", "sdp"]
    /// The names of the pipeline templates whose sources are always live.
    static let liveTemplates: Set<String> = ["rtsp", "rtsp-tcp", "rtmp", "v4l2", "test", "shapes", "snapshot"]
    /// The names of the pipeline templates whose pictures are timed by the pipeline's clock from the first one on.
    static let clockTemplates: Set<String> = ["rtsp", "rtsp-tcp", "v4l2", "test", "shapes", "snapshot"]

    static func isKnownLive(_ description: SourceDescription, template: String) -> Bool {
        liveTemplates.contains(template) || liveSchemes.contains(SourceURI.scheme(description.uri) ?? "")
            || description.uri.lowercased().hasSuffix(".sdp") || description.realtime
    }
}
