/// Thresholds for a head's scores, chosen on pairs of texts and windows whose truth is known.
package struct Thresholds: Sendable, Equatable {
    /// The threshold with the best F1 over all pairs.
    package let usual: Double
    /// The lowest threshold that at most one false pair in a thousand reaches.
    package let quiet: Double

    /// Chooses thresholds on pairs of known truth; nil unless there are both true and false pairs.
    package init?(_ pairs: [(score: Float, isTrue: Bool)]) {
        let pairs = pairs.sorted { $0.score > $1.score }
        let truths = pairs.count { $0.isTrue }
        guard truths > 0, truths < pairs.count else { return nil }
        let allowed = (pairs.count - truths) / 1000
        var (hits, best, usual, quiet) = (0, -1.0, 0.0, Double(pairs[0].score))
        for (place, pair) in pairs.enumerated() {
            if pair.isTrue { hits += 1 }
            let found = place + 1
            // A threshold cannot separate equal scores.
            guard found == pairs.count || pairs[found].score < pair.score else { continue }
            let f1 = 2 * Double(hits) / Double(found + truths)
            if f1 > best { (best, usual) = (f1, Double(pair.score)) }
            if found - hits <= allowed { quiet = Double(pair.score) }
        }
        (self.usual, self.quiet) = (usual, quiet)
    }
}
