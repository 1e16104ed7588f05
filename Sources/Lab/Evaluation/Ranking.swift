/// The ranks of the right answers of retrieval queries, counted as in CLIP4Clip's evaluation.
package struct Ranking: Sendable, Equatable {
    /// The CLIP4Clip function whose metrics are computed: `compute_metrics`, or that for several sentences per video.
    package enum Convention: Sendable, Equatable {
        case plain, sentences
    }

    package let convention: Convention
    /// The ranks of each query's right answer, counted from 0, in the order of the queries.
    ///
    /// With equal scores, every rank that the right answer may have is listed. A query whose right score is NaN or
    /// infinite has no rank.
    package let ranks: [[Int]]

    package init(_ convention: Convention, ranks: [[Int]]) { (self.convention, self.ranks) = (convention, ranks) }

    /// Returns the ranks of the right video for every text, and of the right text for every video.
    ///
    /// In the latter, all texts of a video count as one answer, with the best of their scores.
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

    /// Returns the rank of each row's right answer, which for row i is in column i.
    ///
    /// With equal values, every rank that the right answer may have is listed.
    private static func plain(_ rows: [ArraySlice<Float>]) -> Ranking {
        let ranks = rows.enumerated().map { index, row -> [Int] in
            let right = row[row.startIndex + index]
            guard right.isFinite else { return [] }
            let better = row.count { $0 > right }
            return Array(better..<better + row.count { $0 == right })
        }
        return Ranking(.plain, ranks: ranks)
    }

    /// Returns the rank of each text's right video after a stable descending sort that puts NaN first.
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

    /// Returns `[videos][videos]`: the best score of each video with any of each video's texts.
    ///
    /// NaN scores are ignored; a pair without other scores gets -infinity.
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
