/// A table of the rank of every query's right answer, as comma-separated values.
package enum RankTable {
    package struct Query: Sendable {
        /// The direction of the search: `text-to-video` or `video-to-text`.
        package let direction: String
        /// The query: a caption, or the name of a video.
        package let query: String
        /// The name of the video that is the right answer, or for a video query the video itself.
        package let video: String
        /// The possible ranks of the right answer, counted from 0; more than one if answers have the same score.
        ///
        /// Empty if the right answer's score is not finite.
        package let ranks: [Int]

        package init(direction: String, query: String, video: String, ranks: [Int]) {
            (self.direction, self.query, self.video, self.ranks) = (direction, query, video, ranks)
        }
    }

    /// Returns a row for each text of a data set, then for each of its videos.
    package static func queries(_ set: RetrievalSet, textToVideo: Ranking, videoToText: Ranking) -> [Query] {
        let texts = zip(set.items, textToVideo.ranks).map { item, ranks in
            Query(direction: "text-to-video", query: item.caption, video: set.clips[item.clip].id, ranks: ranks)
        }
        let videos = zip(set.clips, videoToText.ranks).map { clip, ranks in
            Query(direction: "video-to-text", query: clip.id, video: clip.id, ranks: ranks)
        }
        return texts + videos
    }

    /// Returns the table as text; `rank` counts from 1, and is empty if the right answer's score is not finite.
    ///
    /// `ties` is the number of ranks that the right answer may have because of equal scores.
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

    /// Quotes a cell as RFC 4180 says, if it needs quotes.
    ///
    /// It compares bytes, since a comma and a combining mark after it may form one `Character`.
    private static func quoted(_ cell: String) -> String {
        guard cell.utf8.contains(where: { ",\"\r\n".utf8.contains($0) }) else { return cell }
        let quote = UInt8(ascii: "\"")
        let doubled = cell.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return "\"" + String(decoding: doubled, as: UTF8.self) + "\""
    }
}
