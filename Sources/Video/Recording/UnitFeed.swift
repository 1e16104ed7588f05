import Muxing
import Sampling

/// Hands a stream's units to a muxer, from a keyframe on, with the times that they have in its file or movie.
struct UnitFeed {
    /// The keyframe that it begins with.
    let first: UnitRing.Numbered
    /// Seconds from the first unit to the newest.
    private(set) var last = 0.0
    private var times = UnitTimes()
    /// Whether pictures that lean on those before the first keyframe may still come.
    private var mayLean = true

    init(from first: UnitRing.Numbered) { self.first = first }

    /// Hands on the next unit, in the order of decoding; leaves out one that cannot be shown.
    mutating func put(_ unit: CodedUnit, into muxer: UnitMuxer) {
        let isFirst = unit === first.unit
        if !isFirst, unit.isKeyframe { mayLean = false }
        if !isFirst, mayLean, leans(unit) { return }
        let needsSets = isFirst && ParameterSets.leading(unit.bytes, unit.format.codec).isEmpty
        last = times.time(of: unit)
        muxer.push(unit, at: last, after: needsSets ? unit.format.parameterSets : [])
    }

    /// Whether a picture after an open group's keyframe is shown before it, and needs the group before.
    private func leans(_ unit: CodedUnit) -> Bool {
        guard let stamp = unit.stamp, let start = first.unit.stamp else { return false }
        return (0.0001...2).contains(start - stamp)
    }
}
