/// An event of a source.
package enum SourceEvent: Sendable, Equatable {
    /// The first picture has been decoded.
    case started
    /// The size of the decoded pictures, at the start and after each change.
    case formatChanged(String)
    /// The pipeline reports that the source has no end; `inBursts`: it comes in segments.
    case live(inBursts: Bool)
    case warning(String)
    case endOfStream
    case failed(String)
    /// The server is busy, and asks for a pause of this length.
    case busy(String, Duration)
}
