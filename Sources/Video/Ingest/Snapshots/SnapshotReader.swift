/// Gets the picture that a source shows now.
///
/// Belongs to one thread, on which it waits.
protocol SnapshotReader {
    /// The bytes of the picture's file; nil if it is still the one that was read last.
    func next() throws(SnapshotFault) -> [UInt8]?
    /// The bytes were no picture: they are not what "still the same" refers to.
    func forget()
}

/// Why there is no picture.
enum SnapshotFault: Error, Equatable {
    /// This one failed; the next may be good.
    case passing(String)
    /// The source is at an end.
    case lasting(String)
    /// The server wants to be left alone for so many seconds.
    case busy(String, Double)
    /// A stream is sent, and no picture.
    case stream(String)
    /// Nobody wants it any more.
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
    /// So many passing faults in a row end the source, which is then opened again as any other is.
    static let faults = 3
}
