/// An event that a running video source reports.
package enum SourceEvent: Sendable, Equatable {
    /// The first picture has been decoded.
    case started
    /// The size of the decoded pictures ("640x480"), reported at the start and after each change.
    case formatChanged(String)
    /// The pipeline reports that the source is live; `inBursts` is true if data comes in segments, as with HLS.
    case live(inBursts: Bool)
    case warning(String)
    case endOfStream
    case failed(String)
    /// The server is busy: the error message, and the pause that the server asks for before the next attempt.
    case busy(String, Duration)
}
