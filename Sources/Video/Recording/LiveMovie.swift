import DequeModule
import Foundation
import Muxing
import Sampling
import Synchronization

/// The coded video of a stream as an endless fragmented MP4 movie, made once for all its viewers.
///
/// It begins with the newest keyframe in the stream's ring (its last coded pictures, in memory) or the next one. It
/// ends where the format changes or the stream is opened again; viewers then request a new movie. Its own thread feeds
/// it while there are viewers.
package final class LiveMovie: Sendable {
    /// A piece of the movie with its number; `begins` is true if its first picture is a keyframe.
    package struct Piece: Sendable {
        package let number: UInt64
        package let bytes: [UInt8]
        fileprivate let begins: Bool
    }

    /// The result of a viewer's request for the next pieces.
    package enum Next: Sendable {
        case pieces([Piece])
        case nothing
        case ended
    }

    private struct State {
        var index: [UInt8]?
        var pieces: Deque<Piece> = []
        var bytes = 0
        var next: UInt64 = 1
        var viewers = 0
        var isOver = false
        var parts = MoviePieces()
    }

    private let ring: UnitRing
    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)
    /// The greatest number of bytes of pieces that are kept for slow viewers.
    private static let most = 8_000_000

    init(_ ring: UnitRing) { self.ring = ring }

    // MARK: Viewers

    /// A viewer's position in the movie; the viewer leaves when the last reference to this object is gone.
    package final class Viewer: Sendable {
        private let movie: LiveMovie
        private let place = Atomic<UInt64>(0)

        fileprivate init(_ movie: LiveMovie) { self.movie = movie }
        deinit { movie.leave() }

        /// The movie's index (`ftyp` and `moov`), which a player needs before all pieces; nil until a first keyframe
        /// has come.
        package var index: [UInt8]? { movie.state.withLock { $0.index } }
        package var isOver: Bool { movie.state.withLock { $0.isOver } }

        /// Returns the pieces since the last call; a viewer that is too far behind continues at the newest keyframe.
        package func next() -> Next {
            let found = movie.pieces(from: place.load(ordering: .relaxed))
            if case .pieces(let pieces) = found, let last = pieces.last {
                place.store(last.number + 1, ordering: .relaxed)
            }
            return found
        }
    }

    /// Adds a viewer, and starts the thread for the first one; returns nil if the movie is over.
    func join() -> Viewer? {
        let isFirst = state.withLock { state -> Bool? in
            guard !state.isOver else { return nil }
            state.viewers += 1
            return state.viewers == 1 && state.index == nil && state.next == 1
        }
        guard let isFirst else { return nil }
        if isFirst {
            let thread = Thread { [self] in feed() }
            thread.name = "watchword.movie"
            thread.start()
        }
        return Viewer(self)
    }

    private func leave() {
        let isOver = state.withLock { state in
            state.viewers -= 1
            if state.viewers == 0 { (state.isOver, state.pieces, state.bytes) = (true, [], 0) }
            return state.isOver
        }
        if isOver { news.signal() }
    }

    /// Ends the movie for all viewers.
    func end() {
        state.withLock { $0.isOver = true }
        news.signal()
    }

    var viewers: Int { state.withLock { $0.viewers } }

    private func pieces(from number: UInt64) -> Next {
        state.withLock { state in
            let first = state.pieces.first?.number ?? state.next
            // A new viewer, or one that missed pieces, can show pictures only from a keyframe on.
            let start =
                number >= first ? number : state.pieces.last { $0.begins }?.number ?? state.next
            guard start < state.next else { return state.isOver ? .ended : .nothing }
            let new = Array(state.pieces.drop { $0.number < start })
            return new.isEmpty ? (state.isOver ? .ended : .nothing) : .pieces(new)
        }
    }

    // MARK: The thread

    private func feed() {
        let listener = ring.listen { [news] in news.signal() }
        defer {
            ring.stopListening(listener)
            state.withLock { $0.isOver = true }
        }
        guard let first = firstUnit() else { return }
        let muxer: UnitMuxer
        do throws(MuxError) {
            muxer = try UnitMuxer(first.unit.format) { [weak self] bytes, isKeyframe in self?.take(bytes, isKeyframe) }
        } catch {
            return
        }
        var (next, units) = (first.number, UnitFeed(from: first))
        while !isOver, muxer.progress() == .running {
            let read = ring.units(from: next, most: 64)
            guard !read.hasGap else { return }
            for numbered in read.units {
                let unit = numbered.unit
                guard numbered.session == first.session, unit.format.continues(first.unit.format) else { return }
                next = numbered.number + 1
                units.put(unit, into: muxer)
            }
            if read.units.isEmpty { _ = news.wait(timeout: .now() + .milliseconds(500)) }
        }
    }

    private var isOver: Bool { state.withLock { $0.isOver } }

    /// The age in seconds from which on a keyframe in the ring is not live any more.
    private static let fresh = 15.0

    /// Waits for a keyframe that is fresh, and returns it; nil if the movie is over.
    ///
    /// A keyframe in the ring may be old, if the camera is gone.
    private func firstUnit() -> UnitRing.Numbered? {
        while !isOver {
            if let found = ring.newestKeyframe, Date().timeIntervalSince1970 - found.unit.at < Self.fresh {
                return found
            }
            _ = news.wait(timeout: .now() + .milliseconds(500))
        }
        return nil
    }

    /// Adds a buffer that the muxer has made to the movie; called on GStreamer's thread.
    private func take(_ bytes: [UInt8], _ isKeyframe: Bool) {
        state.withLock { state in
            for part in state.parts.take(bytes, isKeyframe: isKeyframe) {
                switch part {
                case .index(let index): state.index = index
                case .piece(let bytes, let begins):
                    state.pieces.append(Piece(number: state.next, bytes: bytes, begins: begins))
                    state.next += 1
                    state.bytes += bytes.count
                    while state.bytes > Self.most, let oldest = state.pieces.popFirst() {
                        state.bytes -= oldest.bytes.count
                    }
                }
            }
        }
    }
}
