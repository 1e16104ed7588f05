package import Engine
package import Foundation
import Pixels
package import Sampling
import Synchronization
package import SystemSupport

/// The newest picture of each stream and the newest scores of queries, for clients that watch live.
///
/// Only what a client watches is stored. Writers never wait for readers: a slow reader gets the newest data.
package final class LiveBoard: Sendable {
    /// The streams and queries that one client watches; watching ends when its last reference is released.
    package final class Watch: Sendable {
        package let streams: Streams
        package let queries: Set<String>
        /// The name patterns of streams that the client may see; nil allows all.
        fileprivate let seen: NamePatterns?
        private let board: LiveBoard

        fileprivate init(_ board: LiveBoard, _ streams: Streams, _ queries: Set<String>, _ seen: NamePatterns?) {
            (self.board, self.streams, self.queries, self.seen) = (board, streams, queries, seen)
        }

        fileprivate func sees(_ lane: String) -> Bool { seen?.matches(LaneName.stream(of: lane)) ?? true }
        deinit { board.end(streams, queries) }
    }

    /// The streams whose pictures a client wants.
    package enum Streams: Sendable, Equatable {
        case all
        /// The streams of these names; without any, pictures of none are wanted, and scores of all.
        case named(Set<String>)

        /// Returns whether the client wants pictures of a stream.
        package func contains(_ stream: String) -> Bool {
            switch self {
            case .all: true
            case .named(let names): names.contains(stream)
            }
        }

        /// Returns whether the client wants scores of a stream, or of a region of one (`lobby/door`).
        ///
        /// A name of a stream includes its regions. Without any name, scores of all streams are wanted.
        package func hasScores(of lane: String) -> Bool {
            guard case .named(let names) = self, !names.isEmpty else { return true }
            return names.contains(lane) || names.contains(LaneName.stream(of: lane))
        }
    }

    /// A JPEG picture of a stream at one time.
    package struct Picture: Sendable {
        package let stream: String
        /// The picture's sequence number; it increases with each picture of any stream.
        package let number: UInt64
        /// The time of the picture, in seconds since 1970.
        package let at: Double
        package let jpeg: Data
    }

    /// A score of a query, with a sequence number that increases with each score.
    package struct Point: Sendable {
        package let number: UInt64
        package let score: WatchedScore
    }

    /// The newest picture of a stream (the preview), and the JPEG files made from it.
    private struct Slot {
        let preview: Preview
        let number: UInt64
        let at: Double
        let encoded: Encoded
    }

    /// The JPEG files of one picture, each encoded once for all clients.
    ///
    /// The first client that needs a file encodes it, while the others wait.
    private final class Encoded: Sendable {
        let files = Mutex<[Size: Data]>([:])
    }

    /// The size of a JPEG picture: whole means at most 640 pixels on the long side.
    private enum Size: Sendable, Hashable { case whole, half }

    private struct State {
        var everyStream = 0
        var streams: [String: Int] = [:]
        var queries: [String: Int] = [:]
        var slots: [String: Slot] = [:]
        var points: [Point] = []
        var pictures: UInt64 = 0
        var scores: UInt64 = 0

        /// True if pictures of at least one stream are wanted.
        var hasStreams: Bool { everyStream > 0 || !streams.isEmpty }
        func wants(_ stream: String) -> Bool { everyStream > 0 || streams[stream] != nil }
    }

    private let state = Mutex(State())
    /// True while a client watches pictures; streaming threads check it first, without a lock.
    private let isWatched = Atomic(false)
    /// The least number of newest scores that are kept for readers.
    ///
    /// Older ones are dropped once there are twice as many.
    private static let mostPoints = 2048
    /// The number of JPEG files encoded so far, for all clients.
    private let made = Atomic<UInt64>(0)
    /// The JPEG quality of live pictures in per cent, lower than that of event pictures.
    private static let quality = 70

    package init() {}

    // MARK: Readers

    /// Starts to store pictures of these streams and scores of these queries, until the result is released.
    ///
    /// `seen` are the name patterns of streams that the client may see; nil allows all.
    package func watch(_ streams: Streams, queries: Set<String>, seen: NamePatterns? = nil) -> Watch {
        state.withLock { state in
            switch streams {
            case .all: state.everyStream += 1
            case .named(let names): for name in names { state.streams[name, default: 0] += 1 }
            }
            for query in queries { state.queries[query, default: 0] += 1 }
            isWatched.store(state.hasStreams, ordering: .releasing)
        }
        return Watch(self, streams, queries, seen)
    }

    private func end(_ streams: Streams, _ queries: Set<String>) {
        state.withLock { state in
            switch streams {
            case .all: state.everyStream -= 1
            case .named(let names): for name in names { Self.lower(&state.streams, name) }
            }
            for query in queries { Self.lower(&state.queries, query) }
            let (every, named) = (state.everyStream, state.streams)
            if every == 0 { state.slots = state.slots.filter { named[$0.key] != nil } }
            if state.queries.isEmpty { state.points = [] }
            isWatched.store(state.hasStreams, ordering: .releasing)
        }
    }

    private static func lower(_ counts: inout [String: Int], _ key: String) {
        let left = (counts[key] ?? 1) - 1
        counts[key] = left > 0 ? left : nil
    }

    /// Returns the pictures that are newer than the given sequence numbers, at most one for each stream.
    ///
    /// `width` is the number of pixels that the client needs; a picture is sent at half size if that is wide enough.
    package func pictures(for watch: Watch, after numbers: [String: UInt64], width: Int) -> [Picture] {
        let newer = state.withLock { state in
            state.slots.filter {
                watch.streams.contains($0.key) && watch.sees($0.key) && $0.value.number > numbers[$0.key] ?? 0
            }
        }
        return newer.sorted { $0.key < $1.key }.compactMap { stream, slot in
            let size: Size = slot.preview.width / 2 >= width ? .half : .whole
            let file = slot.encoded.files.withLock { files in
                if let known = files[size] { return known as Data? }
                made.wrappingAdd(1, ordering: .relaxed)
                let preview = size == .half ? slot.preview.halved : slot.preview
                let jpeg = preview.jpeg(quality: Self.quality)
                files[size] = jpeg
                return jpeg
            }
            return file.map { Picture(stream: stream, number: slot.number, at: slot.at, jpeg: $0) }
        }
    }

    /// Returns the scores that a client watches and that are newer than `number`, and the newest sequence number.
    package func points(for watch: Watch, after number: UInt64) -> (points: [Point], newest: UInt64) {
        state.withLock { state in
            let newer = state.points.reversed().prefix { $0.number > number }.reversed()
            let wanted = newer.filter {
                watch.queries.contains($0.score.query) && watch.streams.hasScores(of: $0.score.lane)
                    && watch.sees($0.score.lane)
            }
            return (wanted, state.scores)
        }
    }

    // MARK: Writers

    /// The number of streams of which a picture is stored.
    package var kept: Int { state.withLock { $0.slots.count } }

    /// The number of JPEG files encoded so far, for all clients.
    package var encodings: UInt64 { made.load(ordering: .relaxed) }

    /// The queries whose scores at least one client watches.
    package var watchedQueries: Set<String> { state.withLock { Set($0.queries.keys) } }

    /// Stores a frame's preview if a client watches the stream; called on streaming threads.
    package func see(_ frame: Frame, of stream: String) {
        guard isWatched.load(ordering: .acquiring), let preview = frame.preview else { return }
        state.withLock { state in
            guard state.wants(stream) else { return }
            state.pictures += 1
            state.slots[stream] = Slot(
                preview: preview, number: state.pictures, at: frame.wallClock.timeIntervalSince1970, encoded: Encoded())
        }
    }

    /// Stores scores of watched queries, in order.
    package func add(_ scores: [WatchedScore]) {
        guard !scores.isEmpty else { return }
        state.withLock { state in
            for score in scores {
                state.scores += 1
                state.points.append(Point(number: state.scores, score: score))
            }
            guard state.points.count > 2 * Self.mostPoints else { return }
            state.points.removeFirst(state.points.count - Self.mostPoints)
        }
    }

    /// Removes the picture of a stream that was removed.
    package func forget(_ stream: String) { state.withLock { $0.slots[stream] = nil } }
}
