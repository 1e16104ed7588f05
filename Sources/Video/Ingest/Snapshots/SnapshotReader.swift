/// Reads the picture that a source shows now.
///
/// It belongs to one thread, on which it waits.
protocol SnapshotReader {
    /// Returns the bytes of the picture's file; nil if the picture is unchanged.
    func next() throws(SnapshotFault) -> [UInt8]?
    /// Forgets the last picture, because it could not be decoded: the next one counts as changed.
    func forget()
}

/// The reason why there is no picture.
enum SnapshotFault: Error, Equatable {
    /// A temporary fault: the next picture may be good.
    case passing(String)
    /// A permanent fault that ends the source.
    case lasting(String)
    /// The server is busy, and asks for a pause of this many seconds.
    case busy(String, Double)
    /// The server sends a stream instead of a picture.
    case stream(String)
    /// The feed was cancelled.
    case cancelled
}

/// The limits of one picture.
enum SnapshotLimits {
    /// The greatest size of the picture's file in bytes.
    static let bytes = 16 << 20
    /// The greatest duration of a request in seconds, redirects included.
    static let seconds = 10
    /// The longest time without a byte, in seconds.
    static let pause: UInt32 = 5
    static let redirects = 5
    /// The number of consecutive temporary faults that end the source, which is then opened again like any other.
    static let faults = 3
}
