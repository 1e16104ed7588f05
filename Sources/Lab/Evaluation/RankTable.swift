/// Every query's rank as comma-separated values.
package enum RankTable {
    package struct Query: Sendable {
        package let direction: String
        /// What was asked: a sentence, or a video.
        package let query: String
        /// The video that is right, or whose sentences are.
        package let video: String
        package let ranks: [Int]

        package init(direction: String, query: String, video: String, ranks: [Int]) {
            (self.direction, self.query, self.video, self.ranks) = (direction, query, video, ranks)
        }
    }

    /// `rank` counts from 1 and is empty where the right score is no number; `ties` is how many share it.
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

    /// A cell as RFC 4180 writes it; by scalars, since a comma and the mark that follows it may be one grapheme.
    private static func quoted(_ cell: String) -> String {
        guard cell.utf8.contains(where: { ",\"\r\n".utf8.contains($0) }) else { return cell }
        let quote = UInt8(ascii: "\"")
        let doubled = cell.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return "\"" + String(decoding: doubled, as: UTF8.self) + "\""
    }
}
