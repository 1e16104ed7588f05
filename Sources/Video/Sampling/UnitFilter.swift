package import StreamSources

/// Decides for each coded unit whether the decoder gets it: all units, or keyframes alone.
///
/// The mode `auto` tries keyframes alone first. If it decoded everything until keyframes have proved frequent, a daemon
/// that opens all its cameras at once would be overloaded, and never find out. During the trial, other units are held
/// back, so that nothing is lost if it fails. A delta unit never reaches the decoder without the units that it refers
/// to: a later return to all units begins at the next keyframe.
package struct UnitFilter {
    /// The decision on a coded unit: decode it, drop it, or keep it for later.
    ///
    /// `hold` keeps it, because it may be needed. `passHeld` decodes the units held since the last keyframe, then this
    /// one. `passAndDrain` decodes it and makes the decoder output it at once.
    package enum Verdict: Sendable { case pass, drop, hold, passAndDrain, passHeld }

    private enum State { case all, trying, keyframes, awaitingKeyframe }

    /// The share of the sampling interval by which keyframes may come later than samples and still be frequent enough.
    static let tolerance = 0.05
    /// The number of consecutive short keyframe intervals after which the mode `auto` decodes keyframes alone.
    private static let proof = 3
    /// The number of consecutive keyframes after which `auto` assumes that there are only keyframes, as in MJPEG.
    private static let intraProof = 10
    /// The greatest number of units that are held back.
    static let maxHeld = 100

    /// A coded unit's time stamp and arrival time, in seconds of two different clocks.
    private struct Moment {
        var stamp: Double?
        var arrival: Double

        /// Returns the seconds until a later unit: by time stamps if both have one and they advance, else by arrival.
        ///
        /// Some cameras give a time stamp to one unit only, or the same to all.
        func elapsed(to later: Moment) -> Double {
            if let stamp, let other = later.stamp, other > stamp { return other - stamp }
            return later.arrival - arrival
        }
    }

    private let mode: DecodeMode
    private let interval: Double
    private var state: State
    private var lastKeyframe: Moment?
    private var start: Moment?
    /// The share of samples that streams keep now under overload; 1 without overload.
    private var share = 1.0
    /// The number of delta units since the last keyframe.
    private var units = 0
    /// The greatest number of delta units in a keyframe interval that was short enough; 0 until that is known.
    private var usualUnits = 0
    /// The number of consecutive short keyframe intervals; `unitsInTime` is the most delta units in one of them.
    private var inTime = 0
    private var unitsInTime = 0
    private var sawKeyframe = false
    private var frequent = 0
    private var late = 0
    private var intra = 0
    /// The number of times that the mode `auto` returned from keyframes alone to all units.
    package private(set) var returns: UInt64 = 0

    package init(_ mode: DecodeMode, fps: Double) {
        self.mode = mode
        interval = 1 / fps
        state =
            switch mode {
            case .all: .all
            case .keyframes: .keyframes
            case .auto: .trying
            }
    }

    package var isKeyframesOnly: Bool { state != .all }
    /// True if the last units were all keyframes, and so many that the stream seems to have no others.
    package var isIntra: Bool { intra >= Self.intraProof }
    /// True if the next unit will be dropped unless it is a keyframe, so it need not even be assembled from packets.
    package var dropsDeltas: Bool { state == .keyframes || state == .awaitingKeyframe }
    /// True if a unit that is not decoded now may be needed later, so that it must be kept.
    package var mayAskForHeld: Bool { state == .trying && units < Self.maxHeld }

    /// Decides on the next coded unit.
    ///
    /// `time` is its time stamp in seconds, nil if it has none; `arrival` is in seconds of a steady clock; `share` is
    /// the share of samples that streams keep now. If it is below 1, keyframes may be correspondingly rarer: decoding
    /// everything would gain nothing, and keep the machine busy.
    package mutating func verdict(isDelta: Bool, time: Double?, arrival: Double, share: Double = 1) -> Verdict {
        self.share = share
        let moment = Moment(stamp: time, arrival: arrival)
        start = start ?? moment
        return isDelta ? delta(moment) : keyframe(moment)
    }

    private mutating func delta(_ moment: Moment) -> Verdict {
        units += 1
        switch state {
        case .all: return .pass
        case .awaitingKeyframe: return .drop
        case .keyframes:
            // An overloaded machine reads late and stretches times, so the number of units must confirm that a keyframe
            // is late.
            if mode == .auto, isOverdue(moment), Double(units) > 1.5 * Double(usualUnits) {
                state = .awaitingKeyframe
                leave()
            }
            return .drop
        case .trying:
            guard isOverdue(moment) else { return mayAskForHeld ? .hold : .drop }
            // Before the first keyframe, the decoder itself must find out where it can begin.
            let isWhole = units <= Self.maxHeld || !sawKeyframe
            state = isWhole ? .all : .awaitingKeyframe
            return isWhole ? .passHeld : .drop
        }
    }

    private mutating func keyframe(_ moment: Moment) -> Verdict {
        observeKeyframe(moment)
        sawKeyframe = true
        guard mode == .auto else { return state == .all ? .pass : .passAndDrain }
        switch state {
        case .all where frequent >= Self.proof || isIntra, .trying where frequent >= Self.proof: state = .keyframes
        case .keyframes where late > 1:
            state = .all
            leave()
        case .trying where late > 1, .awaitingKeyframe: state = .all
        default: break
        }
        return state == .all ? .pass : .passAndDrain
    }

    private func isOverdue(_ moment: Moment) -> Bool {
        guard let since = lastKeyframe ?? start else { return false }
        return since.elapsed(to: moment) > 1.5 * interval / share
    }

    private mutating func leave() {
        frequent = 0
        returns += 1
    }

    private mutating func observeKeyframe(_ moment: Moment) {
        defer {
            lastKeyframe = moment
            units = 0
        }
        intra = sawKeyframe && units == 0 ? intra + 1 : 0
        guard let lastKeyframe, units > 0 else {
            // Two keyframes in a row do not tell how often keyframes come.
            if intra > 0, state == .trying { state = .all }
            frequent = 0
            late = 0
            return
        }
        let apart = lastKeyframe.elapsed(to: moment) / (1 + Self.tolerance)
        let isInTime = apart <= interval
        // One short interval proves nothing: where time stamps jump, long and short ones alternate.
        inTime = isInTime ? inTime + 1 : 0
        unitsInTime = isInTime ? max(unitsInTime, units) : 0
        if inTime >= Self.proof { usualUnits = max(usualUnits, unitsInTime) }
        let isOften = isInTime || units <= usualUnits || apart <= interval / share
        frequent = isOften ? frequent + 1 : 0
        late = isOften ? 0 : late + 1
    }
}
