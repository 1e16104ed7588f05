package import Foundation

/// The published text-video retrieval benchmarks, which can be read from the files of their authors.
///
/// Pairs of text and video are in the order of the annotation files, as in CLIP4Clip's data loaders.
package enum Benchmark: String, Sendable, CaseIterable {
    case msrvtt, msvd, lsmdc, activitynet, didemo

    /// The names of the benchmark's splits, such as "test"; the first is the one that results are published for.
    package var splits: [String] {
        switch self {
        case .msrvtt: ["1k-A", "9k", "7k"]
        case .msvd, .didemo: ["test", "val", "train"]
        case .lsmdc: ["test", "val", "train"]
        case .activitynet: ["val", "train"]
        }
    }

    /// Reads the data of one split: annotation files from the folder `data`, videos from anywhere below `videos`.
    package func read(_ data: URL, videos: URL, split: String) throws(DataSetError) -> RetrievalSet {
        guard splits.contains(split) else {
            throw DataSetError(
                data.path, "\(rawValue) has no split \"\(split)\"; it has: \(splits.joined(separator: ", "))")
        }
        switch self {
        case .msrvtt: return try msrvtt(data, videos, split)
        case .msvd: return try msvd(data, videos, split)
        case .lsmdc: return try lsmdc(data, videos, split)
        case .activitynet: return try activityNet(data, videos, split)
        case .didemo: return try didemo(data, videos, split)
        }
    }

    // MARK: MSR-VTT

    private struct MSRVTTSentences: Decodable {
        struct Sentence: Decodable {
            let video_id: String
            let caption: String
        }
        let sentences: [Sentence]
    }

    private func msrvtt(_ data: URL, _ videos: URL, _ split: String) throws(DataSetError) -> RetrievalSet {
        var set = RetrievalSet(.oneToOne)
        func add(_ id: String, _ caption: String) {
            let path = ["mp4", "webm", "avi", "mkv", "mov"].map { videos.appending(path: "\(id).\($0)").path }
                .first { FileManager.default.fileExists(atPath: $0) }
            if let path { set.add(.init(id: id, path: path), caption) } else { set.miss(id) }
        }
        guard split != "1k-A" else {
            let url = data.appending(path: "MSRVTT_JSFUSION_test.csv")
            for row in try CommaSeparated(url).rows(columns: ["video_id", "sentence"]) { add(row[0], row[1]) }
            return set
        }
        let list = try CommaSeparated(data.appending(path: "MSRVTT_train.\(split).csv")).rows(columns: ["video_id"])
        let wanted = Set(list.map { $0[0] })
        let all = try DataSetFile.json(MSRVTTSentences.self, data.appending(path: "MSRVTT_data.json"))
        for sentence in all.sentences where wanted.contains(sentence.video_id) {
            add(sentence.video_id, sentence.caption)
        }
        return set
    }

    // MARK: MSVD

    private func msvd(_ data: URL, _ videos: URL, _ split: String) throws(DataSetError) -> RetrievalSet {
        let folder = try VideoFolder(videos)
        let captions = try CaptionPickle.read(data.appending(path: "raw-captions.pkl"))
        let list = data.appending(path: "\(split)_list.txt")
        var set = RetrievalSet(.multiSentence)
        for (line, id) in try DataSetFile.lines(list) {
            guard let path = try folder.video(id) else {
                set.miss(id)
                continue
            }
            guard let sentences = captions[id], !sentences.isEmpty else {
                throw DataSetError(list.path, line: line, "raw-captions.pkl has no captions of \"\(id)\"")
            }
            for words in sentences { set.add(.init(id: id, path: path), words.joined(separator: " ")) }
        }
        return set
    }

    // MARK: LSMDC

    private func lsmdc(_ data: URL, _ videos: URL, _ split: String) throws(DataSetError) -> RetrievalSet {
        let file = [
            "train": "LSMDC16_annos_training.csv", "val": "LSMDC16_annos_val.csv",
            "test": "LSMDC16_challenge_1000_publictect.csv",
        ][split]
        let folder = try VideoFolder(videos)
        let url = data.appending(path: file ?? "")
        var set = RetrievalSet(.oneToOne)
        for (line, text) in try DataSetFile.lines(url) {
            let cells = text.split(separator: "\t", omittingEmptySubsequences: false)
            guard cells.count == 6 else {
                throw DataSetError(url.path, line: line, "it has \(cells.count) columns between tabs instead of 6")
            }
            let id = String(cells[0])
            if let path = try folder.video(id) {
                set.add(.init(id: id, path: path), String(cells[5]))
            } else {
                set.miss(id)
            }
        }
        return set
    }

    // MARK: ActivityNet, DiDeMo: paragraphs

    private struct ActivityNetVideo: Decodable {
        let duration: Double
        let sentences: [String]
    }

    private func activityNet(_ data: URL, _ videos: URL, _ split: String) throws(DataSetError) -> RetrievalSet {
        let folder = try VideoFolder(videos)
        let list = data.appending(path: "\(split)_ids.json")
        let file = data.appending(path: split == "val" ? "val_1.json" : "train.json")
        let annotations = try DataSetFile.json([String: ActivityNetVideo].self, file)
        var set = RetrievalSet(.oneToOne)
        for id in try DataSetFile.json([String].self, list) {
            guard let video = annotations[id] else {
                throw DataSetError(file.path, "it has no sentences of \"\(id)\"")
            }
            var found = try folder.video(String(id.dropFirst(2)))
            if found == nil { found = try folder.video(id) }
            guard let path = found else {
                set.miss(id)
                continue
            }
            let clip = RetrievalSet.Clip(id: id, path: path, start: 0, end: video.duration.rounded(.up))
            set.add(clip, video.sentences.joined(separator: " "))
        }
        return set
    }

    private struct DiDeMoMoment: Decodable {
        let video: String
        let description: String
    }

    private func didemo(_ data: URL, _ videos: URL, _ split: String) throws(DataSetError) -> RetrievalSet {
        let folder = try VideoFolder(videos)
        let file = data.appending(path: "\(split)_data.json")
        var descriptions: [String: [String]] = [:]
        for moment in try DataSetFile.json([DiDeMoMoment].self, file) {
            descriptions[moment.video, default: []].append(moment.description)
        }
        var set = RetrievalSet(.oneToOne)
        for (_, id) in try DataSetFile.lines(data.appending(path: "\(split)_list.txt")) {
            guard let sentences = descriptions[id] else {
                throw DataSetError(file.path, "it has no descriptions of \"\(id)\"")
            }
            guard let path = try folder.video(named: id) else {
                set.miss(id)
                continue
            }
            set.add(.init(id: id, path: path, start: 0, end: 31), sentences.joined(separator: " "))
        }
        return set
    }
}
