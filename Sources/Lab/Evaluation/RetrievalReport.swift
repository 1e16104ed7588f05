/// The report of an evaluation of retrieval, for each head.
package struct RetrievalReport: Sendable, Encodable {
    /// The metrics of one direction, and their 95 % intervals; nil intervals were not requested.
    package struct Direction: Sendable, Encodable {
        package let metrics: RetrievalMetrics
        package let low: RetrievalMetrics?
        package let high: RetrievalMetrics?

        /// Computes the metrics of a ranking; nil if no query has a rank.
        ///
        /// `cluster` gives the video of each query. With 0 `rounds` of the bootstrap there are no intervals.
        package init?(_ ranking: Ranking, cluster: [Int], rounds: Int, seed: UInt64) {
            guard let metrics = RetrievalMetrics(ranking) else { return nil }
            let intervals =
                rounds == 0 ? nil : Bootstrap.intervals(ranking, cluster: cluster, rounds: rounds, seed: seed)
            self.metrics = metrics
            (low, high) = (intervals?.low, intervals?.high)
        }
    }

    /// The metrics of one head in both directions; nil if no query has a rank.
    package struct Head: Sendable, Encodable {
        package let head: String
        package let textToVideo: Direction?
        package let videoToText: Direction?

        package init(head: String, textToVideo: Direction?, videoToText: Direction?) {
            (self.head, self.textToVideo, self.videoToText) = (head, textToVideo, videoToText)
        }

        private enum CodingKeys: String, CodingKey {
            case head
            case textToVideo = "text_to_video"
            case videoToText = "video_to_text"
        }
    }

    /// The data set's name.
    package let data: String
    /// The model's name and hash.
    package let model: String
    package let pairing: Pairing
    package let texts: Int
    package let videos: Int
    package let missing: [RetrievalSet.Missing]
    /// The number of captions of which the model reads only the beginning.
    package let cut: Int
    package let results: [Head]

    /// Makes the report of the clips that could be decoded.
    package init(data: String, model: String, _ set: RetrievalSet, cut: Int, results: [Head]) {
        (self.data, self.model, self.cut, self.results) = (data, model, cut, results)
        (pairing, missing) = (set.pairing, set.missing)
        (texts, videos) = (set.items.count, set.clips.count)
    }
}
