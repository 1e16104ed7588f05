/// Which of a stream's coded units go to the decoder.
package enum DecodeMode: String, Codable, Sendable, CaseIterable {
    case all
    case keyframes
    /// Keyframes, as long as they come at least as often as frames are sampled.
    case auto
}

/// Decides unit by unit what a decoder gets: everything, or keyframes alone.
///
/// A delta unit never reaches the decoder without what it refers to: from keyframes alone the way back begins at the next
/// keyframe.
package struct UnitFilter {
    package enum Verdict: Sendable { case pass, drop, passAndDrain }

    private enum State { case all, keyframes, awaitingKeyframe }

    /// Keyframes within this share of the sampling interval of it come often enough: encoders and clocks are not exact.
    static let tolerance = 0.05
    /// Intervals in a row that make `auto` believe in them.
    private static let proof = 3

    private let mode: DecodeMode
    private let interval: Double
    private var state: State
    private var lastKeyframe: Double?
    private var sawDelta = false
    private var frequent = 0
    private var late = 0
    /// How often `auto` went back from keyframes alone to everything.
    package private(set) var returns: UInt64 = 0

    package init(_ mode: DecodeMode, fps: Double) {
        self.mode = mode
        interval = 1 / fps
        state = mode == .keyframes ? .keyframes : .all
    }

    package var isKeyframesOnly: Bool { state != .all }

    /// `time`: seconds of the unit's time stamp, nil if it has none.
    package mutating func verdict(isDelta: Bool, time: Double?) -> Verdict {
        if isDelta {
            sawDelta = true
            if state == .keyframes, mode == .auto, let time, let lastKeyframe, time - lastKeyframe > 1.5 * interval {
                leave()
            }
            return state == .all ? .pass : .drop
        }
        observeKeyframe(time)
        guard mode == .auto else { return state == .all ? .pass : .passAndDrain }
        switch state {
        case .all where frequent >= Self.proof: state = .keyframes
        case .keyframes where late > 1: leave()
        default: break
        }
        if state == .awaitingKeyframe { state = .all }
        return state == .all ? .pass : .passAndDrain
    }

    private mutating func leave() {
        state = .awaitingKeyframe
        frequent = 0
        returns += 1
    }

    /// Units that are all keyframes (MJPEG, or a camera so set) prove nothing: there is nothing to drop.
    private mutating func observeKeyframe(_ time: Double?) {
        defer {
            lastKeyframe = time
            sawDelta = false
        }
        guard let time, let lastKeyframe, time > lastKeyframe, sawDelta else {
            frequent = 0
            late = 0
            return
        }
        let isOften = time - lastKeyframe <= (1 + Self.tolerance) * interval
        frequent = isOften ? frequent + 1 : 0
        late = isOften ? 0 : late + 1
    }
}
