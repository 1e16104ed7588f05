/// How the writing of clips is doing.
package struct ClipStatus: Codable, Sendable, Equatable {
    /// Clips that are being written, by stream.
    package var writing: [String: Int] = [:]
    package var written = 0
    /// Clips that end before their time, of those that were written.
    package var cut = 0
    /// Events without a clip: too many at once, nothing was held, or the disk took nothing.
    package var refused = 0
    package var empty = 0
    package var failed = 0
    /// Files that there are, and their bytes, as they were last counted.
    package var clips = 0
    package var bytes = 0
    /// Why the last clip could not be written; nil if it could.
    package var problem: String?

    /// Adds what became of a clip; whether clips can be written has changed.
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
