import CLIP
import Engine
import EvaluationRuns
import Foundation
import History
import Ingest
import Matching
import Pixels
import Sampling
import Segments
import StreamSources
import Synchronization
import WatchwordConfiguration

/// Plays video files to their ends, and writes their frames' embeddings into a history (a folder for searching).
struct FilmIndexer {
    /// The result of indexing one video file.
    struct Outcome: Encodable {
        enum Status: String, Encodable { case indexed, known, failed }
        let file: String
        let stream: String
        let status: Status
        var frames = 0
        /// The media time of the last indexed frame, in seconds.
        var seconds = 0.0
        var error: String?
        /// True if the failure is due to the file's contents, and not to reading the file.
        var isBadData = false

        enum CodingKeys: String, CodingKey { case file, stream, status, frames, seconds, error }
    }

    let engine: ScoringEngine
    let defaults: Defaults
    let folder: HistoryFolder
    let templates: PipelineTemplates
    private static let batch = 8

    /// Returns the stream name of a video file in the history: the file's name without the extension.
    static func stream(_ path: String) -> String { URL(filePath: path).deletingPathExtension().lastPathComponent }

    /// Embeds a video file into the history, unless the history has it already.
    ///
    /// `progress` receives the number of frames and the media time in seconds.
    func index(_ path: String, progress: (Int, Double) -> Void) async throws -> Outcome {
        let file = URL(filePath: path).standardizedFileURL.path
        let stream = Self.stream(file)
        var header = SegmentHeader(
            kind: .frames, model: engine.model.historyIdentity, width: engine.model.architecture.embedding,
            window: defaults.frames, head: "mean", stream: stream, file: file, created: Date().timeIntervalSince1970,
            rate: defaults.fps)
        do throws(UnreadableFile) {
            try UnreadableFile.check(file)
            var status = stat()
            guard stat(file, &status) == 0 else {
                throw UnreadableFile(path: file, why: String(cString: strerror(errno)))
            }
            header.fileSize = UInt64(max(0, status.st_size))
            header.fileTime = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
        } catch {
            return Outcome(file: file, stream: stream, status: .failed, error: error.why)
        }
        if let known = folder.knownFilm(file, stream: stream), header.isSameFilm(known) {
            return Outcome(file: file, stream: stream, status: .known)
        }
        return try await play(file, header, progress)
    }

    private func play(_ file: String, _ header: SegmentHeader, _ progress: (Int, Double) -> Void) async throws
        -> Outcome
    {
        var configuration = StreamConfiguration(name: "film", uri: file)
        configuration.snapshots = false
        let queue = FrameQueue(sheds: false)
        let failure = Mutex<String?>(nil)
        let video: VideoSource
        do {
            video = try VideoSource(
                defaults.source(configuration), templates: templates,
                onFrame: { queue.post(.frame($0), to: "film") },
                onEvent: { event in
                    switch event {
                    case .failed(let why), .busy(let why, _):
                        failure.withLock { $0 = why }
                        queue.post(.end, to: "film")
                    case .endOfStream: queue.post(.end, to: "film")
                    case .started, .formatChanged, .live, .warning: break
                    }
                })
        } catch {
            return Outcome(file: file, stream: header.stream, status: .failed, error: "\(error)")
        }
        queue.open("film", policy: .wait)
        var outcome = Outcome(file: file, stream: header.stream, status: .indexed)
        let writer = try FilmWriter(folder, header)
        let problem = await video.startOffPool()
        do {
            while problem == nil, let items = await queue.next(limit: Self.batch, maxDelay: .milliseconds(20)) {
                try await take(items, header.stream, writer, &outcome)
                progress(outcome.frames, outcome.seconds)
                if items.contains(where: { if case .end = $0.item { true } else { false } }) { break }
            }
        } catch {
            queue.finish()
            await video.stopOffPool()
            writer.abandon()
            throw error
        }
        queue.finish()
        await video.stopOffPool()
        outcome.error = problem?.description ?? failure.withLock { $0 }
        outcome.isBadData = problem?.isBadData ?? video.isBadData
        if outcome.error == nil, outcome.frames == 0 {
            outcome.error = "no picture was sampled; is it a film, and are its times right?"
            outcome.isBadData = true
        }
        return try finish(writer, outcome)
    }

    /// Ends the segment that a video file is written to, and returns the final result.
    ///
    /// If the video failed, the frames before the failure are kept, and the next run tries the file again.
    private func finish(_ writer: FilmWriter, _ outcome: Outcome) throws -> Outcome {
        if outcome.error != nil, outcome.frames == 0 {
            writer.abandon()
        } else {
            try writer.finish(isCut: outcome.error != nil)
        }
        guard outcome.error != nil else { return outcome }
        return Outcome(
            file: outcome.file, stream: outcome.stream, status: .failed, frames: outcome.frames,
            seconds: outcome.seconds, error: outcome.error, isBadData: outcome.isBadData)
    }

    private func take(
        _ items: [QueuedItem], _ stream: String, _ writer: FilmWriter, _ outcome: inout Outcome
    ) async throws {
        let frames = items.compactMap { if case .frame(let frame) = $0.item { frame } else { nil } }
        let pictures = frames.filter { $0.health == .good }.map(\.picture)
        var embeddings = (pictures.isEmpty ? [] : try await engine.embed(pictures: pictures)).makeIterator()
        for frame in frames {
            let isBlind = frame.health != .good
            try writer.append(
                HistoryFrame(
                    stream: stream, embedding: isBlind ? nil : embeddings.next(), media: frame.mediaTime, wall: 0,
                    isDiscontinuity: frame.discontinuity))
            outcome.frames += 1
            outcome.seconds = frame.mediaTime
        }
    }
}

extension SegmentHeader {
    /// Returns true if both segments have the same video file, embedded in the same way.
    fileprivate func isSameFilm(_ other: SegmentHeader) -> Bool {
        (model, width, window, rate) == (other.model, other.width, other.window, other.rate)
            && (fileSize, fileTime) == (other.fileSize, other.fileTime)
    }
}
