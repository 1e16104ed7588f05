package import Foundation

/// Reads the user's own data set: JSON lines with `video`, `caption`, and optionally `start` and `end` in seconds.
package enum Manifest {
    private struct Line: Decodable {
        let video: String
        let caption: String
        let start: Double?
        let end: Double?
    }

    /// Reads a data set's manifest file; the paths of videos are relative to its directory.
    ///
    /// Captions of the same clip belong together, even if their lines are apart in the file.
    package static func read(_ url: URL) throws(DataSetError) -> RetrievalSet {
        var order: [RetrievalSet.Clip] = []
        var captions: [RetrievalSet.Clip: [String]] = [:]
        var absent: [String] = []
        for (number, text) in try DataSetFile.lines(url) {
            let line: Line
            do {
                line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
            } catch {
                throw DataSetError(url.path, line: number, DataSetFile.sentence(error))
            }
            guard !line.caption.allSatisfy(\.isWhitespace) else {
                throw DataSetError(url.path, line: number, "the caption is empty")
            }
            if let start = line.start, !(start >= 0 && start.isFinite) {
                throw DataSetError(url.path, line: number, "\"start\" must be 0 or more")
            }
            if let end = line.end, !(end >= line.start ?? 0 && end.isFinite) {
                throw DataSetError(url.path, line: number, "\"end\" must not be before \"start\"")
            }
            let path = URL(filePath: line.video, relativeTo: url.deletingLastPathComponent()).path
            guard FileManager.default.fileExists(atPath: path) else {
                if !absent.contains(line.video) { absent.append(line.video) }
                continue
            }
            let clip = RetrievalSet.Clip(id: line.video, path: path, start: line.start, end: line.end)
            if captions[clip] == nil { order.append(clip) }
            captions[clip, default: []].append(line.caption)
        }
        let several = captions.values.contains { $0.count > 1 }
        var set = RetrievalSet(several ? .multiSentence : .oneToOne)
        for clip in order { for caption in captions[clip] ?? [] { set.add(clip, caption) } }
        for video in absent { set.miss(video) }
        guard !set.items.isEmpty || !set.missing.isEmpty else { throw DataSetError(url.path, "it is empty") }
        return set
    }
}
