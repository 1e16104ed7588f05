/// Writes every query's rank as comma-separated values.
package enum RankTable {
    package struct Query: Sendable {
        /// `text-to-video` or `video-to-text`.
        package let direction: String
        /// The sentence or the video of the query.
        package let query: String
        /// The right video, or the one with the right sentences.
        package let video: String
        /// The possible ranks of the right answer, from 0; empty if its score is not finite.
        package let ranks: [Int]

        package init(direction: String, query: String, video: String, ranks: [Int]) {
            (self.direction, self.query, self.video, self.ranks) = (direction, query, video, ranks)
        }
    }

    /// Lists the ranks of all texts of a set, then of all its videos.
    package static func queries(_ set: RetrievalSet, textToVideo: Ranking, videoToText: Ranking) -> [Query] {
        let texts = zip(set.items, textToVideo.ranks).map { item, ranks in
            Query(direction: "text-to-video", query: item.caption, video: set.clips[item.clip].id, ranks: ranks)
        }
        let videos = zip(set.clips, videoToText.ranks).map { clip, ranks in
            Query(direction: "video-to-text", query: clip.id, video: clip.id, ranks: ranks)
        }
        return texts + videos
    }

    /// Writes the table; `rank` counts from 1, and is empty if the right score is not finite.
    ///
    /// `ties` is the number of ranks that share the right score.
    package static func text(_ queries: [Query]) -> String {
        var lines = ["direction,query,video,rank,ties"]
        for query in queries {
            let rank = query.ranks.first.map { "\($0 + 1)" } ?? ""
            lines.append(
                [query.direction, quoted(query.query), quoted(query.video), rank, "\(query.ranks.count)"]
                    .joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Quotes a cell as RFC 4180 does; it compares bytes, since a comma and a combining mark may form one grapheme.
    private static func quoted(_ cell: String) -> String {
        guard cell.utf8.contains(where: { ",\"\r\n".utf8.contains($0) }) else { return cell }
        let quote = UInt8(ascii: "\"")
        let doubled = cell.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return "\"" + String(decoding: doubled, as: UTF8.self) + "\""
    }
}
