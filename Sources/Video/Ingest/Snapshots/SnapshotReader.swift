/// Reads the current picture of a source of single pictures, from a file or an HTTP address.
///
/// All calls are made on one thread, and block it.
protocol SnapshotReader {
    /// Returns the current picture's file as bytes; nil if the picture has not changed since the last call.
    func next() throws(SnapshotFault) -> [UInt8]?
    /// Makes the next picture count as changed, because the last one could not be decoded.
    func forget()
}

/// The reason why a source of single pictures gave none.
enum SnapshotFault: Error, Equatable {
    /// A temporary fault, with its message: the next picture may be good.
    case passing(String)
    /// A permanent fault, with its message, which ends the source.
    case lasting(String)
    /// The server is busy: the message, and the seconds after which it allows the next request.
    case busy(String, Double)
    /// The server sends a stream instead of a picture; the text is the error message.
    case stream(String)
    /// The source was stopped while it waited for a picture.
    case cancelled
}

/// The limits on reading one picture of a source of single pictures.
enum SnapshotLimits {
    /// The greatest size of a picture's file in bytes.
    static let bytes = 16 << 20
    /// The greatest duration of a request in seconds, redirects included.
    static let seconds = 10
    /// The longest time within a request without a byte received, in seconds.
    static let pause: UInt32 = 5
    static let redirects = 5
    /// The number of consecutive temporary faults after which the source fails; it is then opened again after a pause.
    static let faults = 3
}
