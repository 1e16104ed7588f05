import Muxing
import Sampling

/// Gives a stream's units (coded pictures) to a muxer, from a keyframe on, with their times in its file or movie.
struct UnitFeed {
    /// The keyframe that the file or movie begins with.
    let first: UnitRing.Numbered
    /// The time of the newest unit, in seconds from the first.
    private(set) var last = 0.0
    private var times = UnitTimes()
    /// True while pictures may come that are shown before the first keyframe and need earlier ones; they are left out.
    private var mayLean = true

    init(from first: UnitRing.Numbered) { self.first = first }

    /// Gives the next unit, in decoding order, to the muxer; leaves out one that needs units before the first keyframe.
    mutating func put(_ unit: CodedUnit, into muxer: UnitMuxer) {
        let isFirst = unit === first.unit
        if !isFirst, unit.isKeyframe { mayLean = false }
        if !isFirst, mayLean, leans(unit) { return }
        // A unit's own sets may be a part of those that later ones need.
        let sets = unit.format.parameterSets
        let needsSets = isFirst && ParameterSets.leading(unit.bytes, unit.format.codec) != sets
        last = times.time(of: unit)
        muxer.push(unit, at: last, after: needsSets ? sets : [])
    }

    /// Returns true if a unit that follows the first keyframe is shown before it, and so needs units before it.
    private func leans(_ unit: CodedUnit) -> Bool {
        guard let stamp = unit.stamp, let start = first.unit.stamp else { return false }
        return (0.0001...2).contains(start - stamp)
    }
}
