package import Logging
import Sampling
package import StreamSources
import Synchronization

/// Records coded video of all streams: a ring for each stream (its last coded pictures, in memory), clips of events,
/// and live video.
package final class Recordings: Sendable {
    private struct State {
        var rings: [String: UnitRing] = [:]
        var movies: [String: LiveMovie] = [:]
    }

    /// The recorder of events' clips; nil if the settings want no clips, or if they cannot be written.
    package let clips: ClipRecorder?
    private let state = Mutex(State())

    /// Makes the recordings; if clips cannot be written, logs the reason and goes on without them.
    package init(clips settings: ClipSettings?, journal: String?, logger: Logger) {
        do {
            clips = try settings.map { try ClipRecorder($0, journal: journal, logger: logger) }
        } catch {
            logger.warning("no clips are kept", metadata: ["reason": "\(error)"])
            clips = nil
        }
    }

    /// Returns the ring of a stream that runs, or a new one for a stream that is to run.
    package func ring(of stream: String) -> UnitRing { state.withLock { $0.rings[stream] } ?? UnitRing() }

    /// Records a stream that runs now; if `hasClips`, its events get clips.
    package func keep(_ ring: UnitRing, of stream: String, hasClips: Bool) {
        state.withLock { $0.rings[stream] = ring }
        if let clips, hasClips { clips.keep(ring, of: stream) } else { clips?.drop(ring, of: stream) }
    }

    /// Removes a stream's ring and ends its live video.
    package func forget(_ stream: String) {
        let (ring, movie) = state.withLock {
            ($0.rings.removeValue(forKey: stream), $0.movies.removeValue(forKey: stream))
        }
        if let ring { clips?.drop(ring, of: stream) }
        movie?.end()
    }

    /// Ends all clips and live videos; waits for the disk.
    package func close() {
        let movies = state.withLock { state in
            defer { state = State() }
            return state.movies.values
        }
        for movie in movies { movie.end() }
        clips?.close()
    }

    /// Returns the state of a stream's ring; nil if there is no such stream.
    package func status(of stream: String) -> RingStatus? { state.withLock { $0.rings[stream] }?.status }

    /// A sign that some streams' video may soon be watched; it counts until the last reference to it is gone.
    package final class Expectation: Sendable {
        private let rings: [UnitRing]

        fileprivate init(_ rings: [UnitRing]) {
            self.rings = rings
            for ring in rings { ring.expect(true) }
        }

        deinit { for ring in rings { ring.expect(false) } }
    }

    /// Makes the streams' rings keep the pictures since the newest keyframe, so that live video can begin at once.
    ///
    /// They do so as long as the result exists.
    package func expect(_ streams: Set<String>) -> Expectation {
        state.withLock { state in Expectation(streams.compactMap { state.rings[$0] }) }
    }

    /// Adds a viewer of a stream's live video, which is made once for all its viewers; returns nil if there is no such
    /// stream.
    package func watch(_ stream: String) -> LiveMovie.Viewer? {
        state.withLock { state in
            guard let ring = state.rings[stream] else { return nil }
            if let viewer = state.movies[stream]?.join() { return viewer }
            state.movies = state.movies.filter { $0.value.viewers > 0 }
            let movie = LiveMovie(ring)
            state.movies[stream] = movie
            return movie.join()
        }
    }
}
