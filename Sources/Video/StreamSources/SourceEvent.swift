import Printing

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

extension SourceEvent {
    /// Returns a message of at most 1,000 bytes, and "…" where it was cut: servers choose parts of it, such as the
    /// reason of a refusal.
    package static func cut(_ message: String) -> String { message.excerpt(1000) }

    /// The event with its message cut by `cut`.
    package var bounded: SourceEvent {
        switch self {
        case .warning(let what): .warning(Self.cut(what))
        case .failed(let why): .failed(Self.cut(why))
        case .busy(let why, let pause): .busy(Self.cut(why), pause)
        case .started, .formatChanged, .live, .endOfStream: self
        }
    }
}
