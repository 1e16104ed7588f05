package import Ingest
package import StreamSources
import Synchronization

/// The trials of sources that run at once: a few, since each opens a connection and decodes.
package final class SourceTrials: Sendable {
    /// The greatest number of sources that are open at once; one that does not stop keeps its place.
    package static let most = 2

    private struct State {
        /// The places that are taken, and what runs in them.
        var places: Set<Int> = []
        var trials: [Int: SourceTrial] = [:]
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Tries a source; nil if too many are being tried, or the daemon ends.
    ///
    /// Throws if the source cannot be made.
    package func run(
        _ description: SourceDescription, templates: PipelineTemplates
    ) async throws(SourceError) -> SourceTrial.Outcome? {
        guard let place = enter() else { return nil }
        let trial: SourceTrial
        do throws(SourceError) { trial = try SourceTrial(description, templates: templates) } catch {
            leave(place)
            throw error
        }
        let isClosed = state.withLock { state -> Bool in
            state.trials[place] = trial
            return state.isClosed
        }
        if isClosed { trial.cancel() }
        return await trial.run { [self] in leave(place) }
    }

    /// Ends what runs, and begins no more.
    package func close() {
        let running = state.withLock { state -> [SourceTrial] in
            state.isClosed = true
            return Array(state.trials.values)
        }
        for trial in running { trial.cancel() }
    }

    private func enter() -> Int? {
        state.withLock { state -> Int? in
            guard !state.isClosed, state.places.count < Self.most else { return nil }
            state.next += 1
            state.places.insert(state.next)
            return state.next
        }
    }

    private func leave(_ place: Int) {
        state.withLock { state in
            state.places.remove(place)
            state.trials[place] = nil
        }
    }
}
