import SystemSupport

/// Chooses the (text, window) pairs that the tight head is trained on, since scoring all pairs costs too much.
enum TightPairs {
    /// Chooses six texts for each of the V windows.
    ///
    /// They are the window's own text, that text with one property changed, two false texts with high scores, a random
    /// text, and a true text. `scores`, from another head, and `truth` are `[texts, V]`.
    static func choose(_ scores: [Float], _ truth: [Float], _ V: Int, _ seed: UInt64) -> [(text: Int, video: Int)] {
        var random = SeededRandom(seed: seed)
        let N = scores.count / V
        var pairs: [(text: Int, video: Int)] = []
        for video in 0..<V {
            let texts = 0..<N
            let wrong = texts.filter { truth[$0 * V + video] == 0 }
                .sorted { (scores[$0 * V + video], $1) > (scores[$1 * V + video], $0) }.prefix(12)
            let right = texts.filter { truth[$0 * V + video] == 1 }
            var chosen = [video, video + V < N ? video + V : random.below(N)]
            for _ in 0..<2 { chosen.append(wrong.isEmpty ? random.below(N) : random.choice(Array(wrong))) }
            chosen += [random.below(N), right.isEmpty ? video : random.choice(right)]
            pairs += chosen.map { ($0, video) }
        }
        return pairs
    }
}
