/// The scores of texts with videos, and the index of each text's right video.
package struct Similarities: Sendable {
    /// The scores `[texts, videos]`, row-major.
    package let values: [Float]
    package let videos: Int
    /// The index of each text's right video; the texts of one video follow each other.
    package let videoOfText: [Int]

    package var texts: Int { videoOfText.count }

    package init(_ values: [Float], videos: Int, videoOfText: [Int]) {
        precondition(values.count == videos * videoOfText.count)
        precondition(videoOfText.allSatisfy { (0..<videos).contains($0) })
        (self.values, self.videos, self.videoOfText) = (values, videos, videoOfText)
    }

    func row(_ text: Int) -> ArraySlice<Float> { values[text * videos..<(text + 1) * videos] }
}

/// The way in which a benchmark pairs texts with videos.
package enum Pairing: String, Sendable, Equatable, Codable {
    /// Each video has one text: text i describes video i.
    case oneToOne = "one-to-one"
    /// A video can have several texts; it is ranked once, with the best of their scores.
    case multiSentence = "multi-sentence"
}
