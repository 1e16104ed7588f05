package import StreamSources

/// Decides for each coded picture of a stream whether it is decoded: all pictures, or keyframes alone.
///
/// The mode `.auto` first tries keyframes alone, to find out whether they come often enough. If it decoded everything
/// meanwhile, a daemon that opens many cameras at once would be overloaded. During the trial the other pictures are
/// kept, so that they can still be decoded. A return to all pictures begins at a keyframe, since others need the ones
/// before.
package struct UnitFilter {
    /// The decision on a coded picture: decode it, drop it, or keep it for later.
    package enum Verdict: Sendable {
        /// Decode it; the pictures after it will be decoded, too.
        case pass
        case drop
        /// Do not decode it now, but keep it: the trial may end with all pictures decoded.
        case hold
        /// Decode this keyframe alone, and make the decoder output it at once.
        ///
        /// A decoder that reorders pictures would otherwise keep it until others follow, which are dropped here.
        case passAndDrain
        /// Decode all pictures from now on, beginning with those kept since the last keyframe.
        ///
        /// The kept ones include that keyframe although it was decoded: the decoder was drained after it, and needs it
        /// again.
        case passHeld
    }

    private enum State { case all, trying, keyframes, awaitingKeyframe }

    /// The fraction of the sampling interval by which keyframes may be further apart and still be frequent enough.
    static let tolerance = 0.05
    /// The number of consecutive short keyframe intervals after which the mode `.auto` decodes keyframes alone.
    private static let proof = 3
    /// The number of consecutive keyframes after which the stream is assumed to have only keyframes, as MJPEG has.
    private static let intraProof = 10
    /// The greatest number of coded pictures that are kept since the last keyframe, in case they must be decoded.
    static let maxHeld = 100
    /// The greatest number of bytes of those coded pictures together, the keyframe included.
    static let maxHeldBytes = 16 << 20

    /// The time stamp and the arrival time of a coded picture, in seconds of two different clocks.
    private struct Moment {
        var stamp: Double?
        var arrival: Double

        /// Returns the seconds until a later picture: by time stamps if both have one and they rise, else by arrival.
        ///
        /// Some cameras give a time stamp to one picture only, or the same to all.
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
    /// The share of sampled frames that the stream keeps under overload; 1 without overload.
    private var share = 1.0
    /// The number of delta units (coded pictures that need others) since the last keyframe.
    private var deltaUnits = 0
    /// The bytes of the last keyframe and of all delta units since.
    private var unitBytes = 0
    /// The most delta units between two keyframes that were close enough together; 0 until that is known.
    private var usualDeltaUnits = 0
    /// The number of consecutive short keyframe intervals; `deltaUnitsInTime` is the most delta units in one of them.
    private var inTime = 0
    private var deltaUnitsInTime = 0
    private var sawKeyframe = false
    private var frequent = 0
    private var late = 0
    private var intra = 0
    /// The number of times that the mode `.auto` returned from decoding keyframes alone to decoding all pictures.
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
    /// True if so many consecutive pictures were keyframes that the stream seems to have no others, as MJPEG.
    package var isIntra: Bool { intra >= Self.intraProof }
    /// True if the next coded picture will be dropped unless it is a keyframe, so it need not even be assembled.
    package var dropsDeltas: Bool { state == .keyframes || state == .awaitingKeyframe }
    /// True if a coded picture that is not decoded now may have to be decoded later, so that it must be kept.
    package var mayAskForHeld: Bool {
        state == .trying && deltaUnits < Self.maxHeld && unitBytes <= Self.maxHeldBytes
    }

    /// Decides whether the next coded picture of the stream is decoded.
    ///
    /// `time` is its time stamp in seconds, nil if it has none; `arrival` is in seconds of a steady clock. `share` (0
    /// to 1) is the share of sampled frames that the stream keeps under overload: at 0.5, keyframes may come half as
    /// often. `bytes` is the picture's size, by which the pictures that are kept are bounded.
    package mutating func verdict(
        isDelta: Bool, time: Double?, arrival: Double, share: Double = 1, bytes: Int = 0
    ) -> Verdict {
        self.share = share
        unitBytes = isDelta ? unitBytes + bytes : bytes
        let moment = Moment(stamp: time, arrival: arrival)
        start = start ?? moment
        return isDelta ? delta(moment) : keyframe(moment)
    }

    private mutating func delta(_ moment: Moment) -> Verdict {
        deltaUnits += 1
        switch state {
        case .all: return .pass
        case .awaitingKeyframe: return .drop
        case .keyframes:
            // An overloaded machine reads late and stretches times, so the number of pictures must confirm that a
            // keyframe is late.
            if mode == .auto, isOverdue(moment), Double(deltaUnits) > 1.5 * Double(usualDeltaUnits) {
                state = .awaitingKeyframe
                countReturn()
            }
            return .drop
        case .trying:
            guard isOverdue(moment) else { return mayAskForHeld ? .hold : .drop }
            // Before the first keyframe, the decoder itself must find out where it can begin.
            let isWhole = deltaUnits <= Self.maxHeld && unitBytes <= Self.maxHeldBytes || !sawKeyframe
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
            countReturn()
        case .trying where late > 1, .awaitingKeyframe: state = .all
        default: break
        }
        return state == .all ? .pass : .passAndDrain
    }

    private func isOverdue(_ moment: Moment) -> Bool {
        guard let since = lastKeyframe ?? start else { return false }
        return since.elapsed(to: moment) > 1.5 * interval / share
    }

    /// Counts a return from keyframes alone to all pictures; keyframes must prove again that they are frequent.
    private mutating func countReturn() {
        frequent = 0
        returns += 1
    }

    private mutating func observeKeyframe(_ moment: Moment) {
        defer {
            lastKeyframe = moment
            deltaUnits = 0
        }
        intra = sawKeyframe && deltaUnits == 0 ? intra + 1 : 0
        guard let lastKeyframe, deltaUnits > 0 else {
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
        deltaUnitsInTime = isInTime ? max(deltaUnitsInTime, deltaUnits) : 0
        if inTime >= Self.proof { usualDeltaUnits = max(usualDeltaUnits, deltaUnitsInTime) }
        let isOften = isInTime || deltaUnits <= usualDeltaUnits || apart <= interval / share
        frequent = isOften ? frequent + 1 : 0
        late = isOften ? 0 : late + 1
    }
}
