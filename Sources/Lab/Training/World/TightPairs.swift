import SystemSupport

/// Chooses the pairs that the tight head is trained on, since all would cost too much.
enum TightPairs {
    /// Chooses six pairs for each window.
    ///
    /// These are its own text, that text's near miss, two false texts that another head finds most likely, a random
    /// one, and a true one. `scores` and `truth` are `[texts, V]`.
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
