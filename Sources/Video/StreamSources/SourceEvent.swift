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
