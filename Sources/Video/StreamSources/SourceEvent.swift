/// An event in the life of a source.
package enum SourceEvent: Sendable, Equatable {
    /// The first picture has been decoded.
    case started
    /// Size of the decoded pictures, at the start and whenever it changes.
    case formatChanged(String)
    /// The pipeline says that the source has no end; `inBursts`: it comes in segments, faster than it is made.
    case live(inBursts: Bool)
    case warning(String)
    case endOfStream
    case failed(String)
    /// The server is busy, and asks for a pause of this length.
    case busy(String, Duration)
}
