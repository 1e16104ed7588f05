/// The ranks of queries' right answers, as CLIP4Clip's evaluation counts them.
package struct Ranking: Sendable, Equatable {
    /// The convention that metrics follow: `compute_metrics`, or the multi-sentence metrics.
    package enum Convention: Sendable, Equatable {
        case plain, sentences
    }

    package let convention: Convention
    /// The 0-based ranks of each query, in the order of the queries.
    ///
    /// A tie counts once for every rank that the right answer may have. A query whose right score is NaN or infinite
    /// has no rank.
    package let ranks: [[Int]]

    package init(_ convention: Convention, ranks: [[Int]]) { (self.convention, self.ranks) = (convention, ranks) }

    /// Returns the ranks of videos for every text, and of texts for every video; all texts of a video count as one.
    package static func both(
        _ similarities: Similarities, _ pairing: Pairing
    ) -> (textToVideo: Ranking, videoToText: Ranking) {
        switch pairing {
        case .oneToOne:
            precondition(similarities.videoOfText == Array(0..<similarities.videos))
            let transposed = (0..<similarities.videos).map { video in
                (0..<similarities.texts).map { similarities.values[$0 * similarities.videos + video] }
            }
            return (
                plain((0..<similarities.texts).map { similarities.row($0) }), plain(transposed.map { $0[...] })
            )
        case .multiSentence: return (sentences(similarities), plain(groups(similarities)))
        }
    }

    /// Ranks the answer of row i, which is in column i; each position of an equal value in the sorted row counts.
    private static func plain(_ rows: [ArraySlice<Float>]) -> Ranking {
        let ranks = rows.enumerated().map { index, row -> [Int] in
            let right = row[row.startIndex + index]
            guard right.isFinite else { return [] }
            let better = row.count { $0 > right }
            return Array(better..<better + row.count { $0 == right })
        }
        return Ranking(.plain, ranks: ranks)
    }

    /// Ranks by a stable descending sort in which NaN comes first.
    private static func sentences(_ similarities: Similarities) -> Ranking {
        let ranks = similarities.videoOfText.enumerated().map { text, video -> [Int] in
            let row = similarities.row(text)
            let right = row[row.startIndex + video]
            guard right.isFinite else { return [] }
            let before = row[..<(row.startIndex + video)]
            return [row.count { $0 > right || $0.isNaN } + before.count { $0 == right }]
        }
        return Ranking(.sentences, ranks: ranks)
    }

    /// Returns `[videos][videos]`: the best score of a video with any sentence of another; NaN is the worst.
    private static func groups(_ similarities: Similarities) -> [ArraySlice<Float>] {
        let count = similarities.videos
        var best = [[Float]](repeating: [Float](repeating: -.infinity, count: count), count: count)
        for (text, group) in similarities.videoOfText.enumerated() {
            for (video, value) in similarities.row(text).enumerated() where value > best[video][group] {
                best[video][group] = value
            }
        }
        return best.map { $0[...] }
    }
}
