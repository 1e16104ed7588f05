/// Counters of clips, and the reason if clips cannot be written.
package struct ClipStatus: Codable, Sendable, Equatable {
    /// The number of clips that are being written, by stream.
    package var writing: [String: Int] = [:]
    package var written = 0
    /// The number of written clips that end early.
    package var cut = 0
    /// The number of events without a clip because too many clips were being written.
    ///
    /// `empty` counts events for which the stream's ring had no picture, `failed` those whose clip could not be
    /// written.
    package var refused = 0
    package var empty = 0
    package var failed = 0
    /// The number of clips in the directory: the last count, and the clips written since; `bytes` is the size of their
    /// files.
    package var clips = 0
    package var bytes = 0
    /// The reason why the last clip could not be written whole; nil if it could.
    package var problem: String?

    /// Counts the outcome of a clip; returns true if writing has begun to fail or to succeed again.
    mutating func add(_ outcome: Clip.Outcome) -> Bool {
        switch outcome {
        case .written(_, let bytes, _, let cut, let why):
            written += 1
            clips += 1
            self.bytes += bytes
            if cut != nil { self.cut += 1 }
            defer { problem = why }
            return (problem == nil) != (why == nil)
        case .nothing:
            empty += 1
            return false
        case .failed(let why, _):
            failed += 1
            defer { problem = why }
            return problem == nil
        }
    }
}
