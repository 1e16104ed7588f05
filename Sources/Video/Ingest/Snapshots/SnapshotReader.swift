/// Gets the picture that a source shows now.
///
/// Belongs to one thread, on which it waits.
protocol SnapshotReader {
    /// The bytes of the picture's file; nil if it is still the one that was read last.
    func next() throws(SnapshotFault) -> [UInt8]?
    /// Forgets the last picture, whose bytes could not be decoded: the next is not compared with it.
    func forget()
}

/// Reason why there is no picture.
enum SnapshotFault: Error, Equatable {
    /// A failure of one picture; the next may be good.
    case passing(String)
    /// A failure that ends the source.
    case lasting(String)
    /// The server wants to be left alone for so many seconds.
    case busy(String, Double)
    /// A stream is sent, and no picture.
    case stream(String)
    /// The feed was cancelled.
    case cancelled
}

/// Bounds on what one picture may take.
enum SnapshotLimits {
    /// Bytes of its file.
    static let bytes = 16 << 20
    /// Seconds for all of a request, redirects included.
    static let seconds = 10
    /// Seconds without a byte.
    static let pause: UInt32 = 5
    static let redirects = 5
    /// Successive passing faults that end the source, which is then opened again as any other is.
    static let faults = 3
}
