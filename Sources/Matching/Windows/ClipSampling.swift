/// Selects the frames of a clip as CLIP4Clip does: a number of frames per second, at whole frame numbers.
///
/// As in CLIP4Clip, frame rates are truncated: at 29.97 frames a second, second s begins at frame 29 · s. Source:
/// CLIP4Clip `rawvideo_util.video_to_tensor`; docs/MATHEMATICS.md, section 8.
package struct ClipSampling: Sendable, Equatable {
    /// The number of frames to take from each second; 0 takes every frame.
    package let rate: Int
    /// The first and the last second to sample, both included; nil means the whole clip.
    package let seconds: ClosedRange<Int>?

    package init(rate: Int = 1, seconds: ClosedRange<Int>? = nil) throws(ClipError) {
        guard rate >= 0 else { throw ClipError("a clip cannot be sampled at \(rate) frames a second") }
        guard seconds.map({ $0.lowerBound >= 0 }) ?? true else { throw ClipError("a clip begins at second 0") }
        self.rate = rate
        self.seconds = seconds
    }

    /// Returns the rule that selects frame numbers of a clip of `fps` frames a second.
    ///
    /// Throws where CLIP4Clip fails: below one frame a second, and if the rate is above the clip's.
    package func rule(fps: Double) throws(ClipError) -> Rule {
        guard fps.isFinite, fps >= 1, fps < 100_000 else {
            throw ClipError("a clip of \(fps) frames a second cannot be sampled by whole seconds")
        }
        let whole = Int(fps)
        let step = rate == 0 ? 1 : max(1, whole / rate)
        let taken = rate == 0 ? whole : rate
        guard (whole + step - 1) / step >= taken else {
            throw ClipError("a clip of \(fps) frames a second does not have \(rate) frames in each")
        }
        return Rule(fps: whole, step: step, taken: taken, seconds: seconds)
    }

    /// Decides for each frame number whether the frame is sampled.
    package struct Rule: Sendable, Equatable {
        let fps, step, taken: Int
        let seconds: ClosedRange<Int>?

        package func takes(frame: Int) -> Bool {
            let (second, offset) = (frame / fps, frame % fps)
            return offset % step == 0 && offset / step < taken && (seconds?.contains(second) ?? true)
        }

        /// Returns true if no frame from this number on is sampled.
        package func isOver(at frame: Int) -> Bool { seconds.map { frame / fps > $0.upperBound } ?? false }
    }
}

/// The frames of a clip that are kept if more are sampled than a window can hold: first, last or evenly spaced.
package enum ClipSelection: String, Sendable, CaseIterable {
    case head, tail, uniform

    /// Returns the indices, in ascending order, of the kept frames among `count` frames; all if there are at most
    /// `limit`.
    package func indices(of count: Int, limit: Int) -> [Int] {
        guard count > limit else { return Array(0..<max(count, 0)) }
        switch self {
        case .head: return Array(0..<limit)
        case .tail: return Array(count - limit..<count)
        case .uniform:
            guard limit > 1 else { return limit == 1 ? [0] : [] }
            // numpy.linspace(0, count - 1, num=limit, dtype=int): rounded down, but for the last.
            let step = Double(count - 1) / Double(limit - 1)
            return (0..<limit - 1).map { Int((Double($0) * step).rounded(.down)) } + [count - 1]
        }
    }
}

/// The error of a clip that cannot be sampled, such as one below one frame per second.
package struct ClipError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
