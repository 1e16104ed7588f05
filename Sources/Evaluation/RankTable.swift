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

    /// A cell as RFC 4180 writes it.
    private static func quoted(_ cell: String) -> String {
        guard cell.contains(where: { ",\"\r\n".contains($0) || $0 == "\r\n" }) else { return cell }
        return "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }
}
