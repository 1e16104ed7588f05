package import Matching
package import StreamSources

/// Chooses the frames of a short film to be embedded, by their numbers, while the film is decoded.
package struct ClipChooser: Sendable {
    private let frames: ClipFrames
    private var rule: ClipSampling.Rule?
    private var number = 0
    /// The number of frames sampled so far, whether `ClipFrames.wanted` names them or not.
    package private(set) var sampled = 0
    package private(set) var isOver = false

    package init(_ frames: ClipFrames) { self.frames = frames }

    /// Sets the film's frame rate, which must be known before the first frame; later calls have no effect.
    package mutating func learn(fps: Double) throws(ClipError) {
        if rule == nil { rule = try frames.sampling.rule(fps: fps) }
    }

    package mutating func take() -> Bool {
        guard let rule else { return false }
        defer { number += 1 }
        isOver = isOver || rule.isOver(at: number)
        guard rule.takes(frame: number) else { return false }
        defer { sampled += 1 }
        return frames.wanted?.contains(sampled) ?? true
    }
}
