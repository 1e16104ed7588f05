package import StreamSources

/// Decides unit by unit what a decoder gets: everything, or keyframes alone.
///
/// `auto` tries keyframes alone first: were everything decoded until they have proved frequent, a daemon that opens all
/// its cameras at once would have too much to do to ever find out. Until then units are held, so that nothing is lost
/// where the trial fails. A delta unit never reaches the decoder without what it refers to: later, the way back from
/// keyframes alone begins at the next keyframe.
package struct UnitFilter {
    /// Decision on a unit.
    ///
    /// `hold`: keep it, it may be asked for; `passHeld`: pass what is held since the last keyframe, then the unit.
    package enum Verdict: Sendable { case pass, drop, hold, passAndDrain, passHeld }

    private enum State { case all, trying, keyframes, awaitingKeyframe }

    /// Keyframes within this share of the sampling interval of it come often enough: encoders and clocks are not exact.
    static let tolerance = 0.05
    /// Intervals in a row that make `auto` believe in them.
    private static let proof = 3
    /// Keyframes in a row, with nothing between them, that make `auto` believe that there is nothing else (MJPEG, or a
    /// camera so set): each can be decoded alone.
    private static let intraProof = 10
    /// Units that are held at most.
    static let maxHeld = 100

    /// Time stamp and arrival of a unit, in seconds of two different clocks.
    private struct Moment {
        var stamp: Double?
        var arrival: Double

        /// Seconds until a later unit: by the stamps where both have one and they advance, else by arrival.
        ///
        /// Some cameras stamp one unit alone, or all units alike.
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
    /// Share of their samples that streams keep now.
    private var share = 1.0
    /// Delta units since the last keyframe.
    private var units = 0
    /// The most delta units between keyframes that came often enough, `proof` intervals in a row; 0 before that.
    private var usualUnits = 0
    /// Intervals in a row that were short enough, and the most delta units in one of them.
    private var inTime = 0
    private var unitsInTime = 0
    private var sawKeyframe = false
    private var frequent = 0
    private var late = 0
    private var intra = 0
    /// Count of returns of `auto` from keyframes alone to all units.
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
    /// Whether all units seem to be keyframes.
    package var isIntra: Bool { intra >= Self.intraProof }
    /// Whether the next unit is dropped if it needs others: it need not be made of its packets at all.
    package var dropsDeltas: Bool { state == .keyframes || state == .awaitingKeyframe }
    /// Whether a unit that does not reach the decoder may be asked for.
    package var mayAskForHeld: Bool { state == .trying && units < Self.maxHeld }

    /// `time`: seconds of the unit's time stamp, nil if it has none; `arrival`: seconds of a steady clock when it came;
    /// `share`: of their samples that streams keep now.
    ///
    /// Where that is less than all, keyframes may be as much rarer: decoding all would make up for nothing, and keep
    /// the machine as busy as it is.
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
            // A machine with too much to do reads late and stretches time; the number of units is the camera's own.
            if mode == .auto, isOverdue(moment), Double(units) > 1.5 * Double(usualUnits) {
                state = .awaitingKeyframe
                leave()
            }
            return .drop
        case .trying:
            guard isOverdue(moment) else { return mayAskForHeld ? .hold : .drop }
            // Without a keyframe so far it is the decoder that knows where it can begin.
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
            // Two in a row prove nothing about how often they come.
            if intra > 0, state == .trying { state = .all }
            frequent = 0
            late = 0
            return
        }
        let apart = lastKeyframe.elapsed(to: moment) / (1 + Self.tolerance)
        let isInTime = apart <= interval
        // One short interval proves nothing: where time stamps leap, long and short ones take turns.
        inTime = isInTime ? inTime + 1 : 0
        unitsInTime = isInTime ? max(unitsInTime, units) : 0
        if inTime >= Self.proof { usualUnits = max(usualUnits, unitsInTime) }
        let isOften = isInTime || units <= usualUnits || apart <= interval / share
        frequent = isOften ? frequent + 1 : 0
        late = isOften ? 0 : late + 1
    }
}
