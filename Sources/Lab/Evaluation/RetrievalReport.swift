/// The report of how well each head of a model retrieves videos by text and texts by video.
package struct RetrievalReport: Sendable, Encodable {
    /// The metrics of text-to-video or of video-to-text search.
    ///
    /// `low` and `high` are the ends of the metrics' 95 % intervals; nil if not requested.
    package struct Direction: Sendable, Encodable {
        package let metrics: RetrievalMetrics
        package let low: RetrievalMetrics?
        package let high: RetrievalMetrics?

        /// Computes the metrics of a ranking, and their 95 % intervals; nil if no query has a rank.
        ///
        /// `cluster` gives the video of each query. `rounds` is the number of bootstrap rounds; with 0 there are no
        /// intervals.
        package init?(_ ranking: Ranking, cluster: [Int], rounds: Int, seed: UInt64) {
            guard let metrics = RetrievalMetrics(ranking) else { return nil }
            let intervals =
                rounds == 0 ? nil : Bootstrap.intervals(ranking, cluster: cluster, rounds: rounds, seed: seed)
            self.metrics = metrics
            (low, high) = (intervals?.low, intervals?.high)
        }
    }

    /// The metrics of one head for text-to-video and video-to-text search; nil if no query has a rank.
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
    /// The number of captions that are longer than the model reads, so that their ends are ignored.
    package let cut: Int
    package let results: [Head]

    /// Makes the report of an evaluation on the clips of `set`, all of which could be decoded.
    package init(data: String, model: String, _ set: RetrievalSet, cut: Int, results: [Head]) {
        (self.data, self.model, self.cut, self.results) = (data, model, cut, results)
        (pairing, missing) = (set.pairing, set.missing)
        (texts, videos) = (set.items.count, set.clips.count)
    }
}
