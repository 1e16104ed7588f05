package import Logging
import Sampling
package import StreamSources
import Synchronization

/// What is recorded of all streams: their rings, the clips of events, and the video of those who watch.
package final class Recordings: Sendable {
    private struct State {
        var rings: [String: UnitRing] = [:]
        var movies: [String: LiveMovie] = [:]
    }

    /// The clips of events; nil where none are kept.
    package let clips: ClipRecorder?
    private let state = Mutex(State())

    /// Where clips cannot be written that is said, and watching goes on without them.
    package init(clips settings: ClipSettings?, journal: String?, logger: Logger) {
        do {
            clips = try settings.map { try ClipRecorder($0, journal: journal, logger: logger) }
        } catch {
            logger.warning("no clips are kept", metadata: ["reason": "\(error)"])
            clips = nil
        }
    }

    /// The ring of a stream; `hasClips`: whether its events may have clips.
    package func ring(of stream: String, hasClips: Bool) -> UnitRing {
        let ring = state.withLock { state in
            let ring = state.rings[stream] ?? UnitRing()
            state.rings[stream] = ring
            return ring
        }
        if let clips, hasClips { clips.keep(ring, of: stream) } else { clips?.drop(ring, of: stream) }
        return ring
    }

    /// Lets go of what is held of a stream.
    package func forget(_ stream: String) {
        let (ring, movie) = state.withLock {
            ($0.rings.removeValue(forKey: stream), $0.movies.removeValue(forKey: stream))
        }
        if let ring { clips?.drop(ring, of: stream) }
        movie?.end()
    }

    /// Ends what is written and watched; waits for the disk.
    package func close() {
        let movies = state.withLock { state in
            defer { state = State() }
            return state.movies.values
        }
        for movie in movies { movie.end() }
        clips?.close()
    }

    /// What a stream's ring holds; nil without such a stream.
    package func status(of stream: String) -> RingStatus? { state.withLock { $0.rings[stream] }?.status }

    /// A viewer more of a stream's video, which is made once for all of them; nil without such a stream.
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
