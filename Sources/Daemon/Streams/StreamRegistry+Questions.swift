import ControlAPI
import Engine
import Foundation
import Ingest
import Pixels
import Recording
import Sampling
import StreamSources
import WatchwordConfiguration

/// The questions that clients ask about streams.
extension StreamRegistry {
    /// The labels of the streams, by lane.
    package var labels: [String: [String]] {
        var labels: [String: [String]] = [:]
        for running in streams.values { for lane in running.runner.lanes { labels[lane] = running.from.labels ?? [] } }
        return labels
    }

    /// The streams that were started and not removed.
    package var running: [StreamRunner] { streams.values.map(\.runner) }

    /// The status of all streams, sorted by name.
    package func status() async -> [StreamStatus] {
        let health = await engine.health
        return streams.values.map { running in
            let runner = running.runner
            let (state, counts) = (runner.currentState, runner.supervised)
            return StreamStatus(
                name: runner.name, uri: SourceURI.redacted(runner.description.uri), state: state.word,
                reason: state.reason, since: runner.stateSince, restarts: counts.restarts, stalls: counts.stalls,
                failures: counts.failures, changes: counts.changes, abandoned: runner.abandonedPipelines,
                live: runner.isLive, fps: runner.description.fps,
                decoding: runner.decoding.isKeyframesOnly ? "keyframes" : "all",
                skippedUnits: runner.decoding.skippedUnits, returnsToAll: runner.decoding.returnsToAll,
                sampled: runner.sampledFrames, gated: runner.gatedFrames,
                effectiveFps: runner.description.fps * (runner.isLive ? queue.share.value : 1),
                shed: runner.decoding.shedSamples, dropped: queue.dropped(runner.name),
                lag: (runner.lag * 1000).rounded() / 1000, picture: health[runner.name] ?? .good,
                regions: Array(runner.lanes.dropFirst()), rectangles: running.from.regions ?? [:],
                labels: running.from.labels ?? [],
                source: ConfigurationSource(
                    isInFile: files[runner.name] != nil, isKept: kept.contains(runner.name)),
                recording: recordings.status(of: runner.name))
        }.sorted { $0.name < $1.name }
    }
}
