import Foundation
package import Ingest
import Synchronization

/// Keeps one stream running: opens its source, feeds its lane, opens it again when a live source fails.
///
/// A file ends for good; a live source that ends or fails is opened again after a pause that doubles up to 30 s. One
/// stream's trouble touches no other.
package final class StreamRunner: Sendable {
    /// What a stream is doing, as `stream list` and `stream.<name>` messages say it.
    package enum State: Sendable, Equatable {
        case connecting
        case playing
        case backingOff(String)
        case ended
        case failed(String)

        package var word: String {
            switch self {
            case .connecting: "connecting"
            case .playing: "playing"
            case .backingOff: "backing-off"
            case .ended: "ended"
            case .failed: "failed"
            }
        }
        package var reason: String? {
            switch self {
            case .backingOff(let why), .failed(let why): why
            default: nil
            }
        }
    }

    package let name: String
    package let description: SourceDescription
    package let isLive: Bool
    package let decoding = DecodingRecord()
    private let templates: PipelineTemplates
    private let queue: FrameQueue
    private let onState: @Sendable (String, State) -> Void
    private let state = Mutex(State.connecting)
    private let counts = Mutex(Counts())

    /// Over all of the stream's sources, one after the other.
    private struct Counts {
        var sampled: UInt64 = 0
        var gated: UInt64 = 0
        var latest: UInt64?
    }

    /// Checks that the source can be made at all: a wrong template or URI is refused here, by a sentence.
    package init(
        name: String, description: SourceDescription, templates: PipelineTemplates, queue: FrameQueue,
        onState: @escaping @Sendable (String, State) -> Void
    ) throws(SourceError) {
        let trial = try VideoSource(description, templates: templates, onFrame: { _ in }, onEvent: { _ in })
        self.name = name
        self.description = description
        isLive = trial.isLive
        self.templates = templates
        self.queue = queue
        self.onState = onState
    }

    /// Names of the stream's lanes: its own, then those of its regions.
    package var lanes: [String] { LaneName.all(name, description.regions.keys) }

    package var currentState: State { state.withLock { $0 } }
    package var sampledFrames: UInt64 { counts.withLock { $0.sampled } }
    /// Sampled frames that showed nothing new.
    package var gatedFrames: UInt64 { counts.withLock { $0.gated } }

    /// Runs until the source has ended for good or the task is cancelled.
    package func run() async {
        for lane in lanes { queue.open(lane, policy: isLive ? .dropOldest : .wait) }
        defer { if Task.isCancelled { close() } }
        var pause = Duration.seconds(1)
        while !Task.isCancelled {
            set(.connecting)
            let played = ContinuousClock.now
            let end = await playOnce()
            if Task.isCancelled { break }
            for lane in lanes { queue.post(.end, to: lane) }
            switch end {
            case .ended where !isLive:
                set(.ended)
                return
            case .failed(let why) where !isLive:
                set(.failed(why))
                return
            case .failed(let why): set(.backingOff(why))
            default: set(.backingOff("the source ended"))
            }
            if ContinuousClock.now - played > .seconds(60) { pause = .seconds(1) }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(30))
        }
    }

    /// Plays the source until it ends, fails, or the task is cancelled.
    private func playOnce() async -> State {
        let (events, continuation) = AsyncStream<SourceEvent>.makeStream(bufferingPolicy: .bufferingNewest(64))
        let queue = queue
        let name = name
        let source: VideoSource
        do {
            source = try VideoSource(
                description, templates: templates, decoding: decoding,
                onFrame: { [weak self] frame in
                    if frame.region == nil { self?.count(frame) }
                    queue.post(.frame(frame), to: LaneName.of(name, frame.region))
                }, onEvent: { continuation.yield($0) })
        } catch {
            return .failed("\(error)")
        }
        let problem = await source.startOffPool()
        var end = State.failed(problem?.description ?? "")
        if problem == nil {
            end = .ended
            events: for await event in events {
                switch event {
                case .started: set(.playing)
                case .endOfStream: break events
                case .failed(let why):
                    end = .failed(why)
                    break events
                case .formatChanged, .warning: continue
                }
            }
        }
        // A cancelled file may be waiting for room in its lane; stopping waits for its thread.
        if Task.isCancelled { close() }
        await offPool { source.stop() }
        return end
    }

    private func close() { for lane in lanes { queue.close(lane) } }

    private func count(_ frame: Frame) {
        counts.withLock {
            $0.sampled += 1
            if $0.latest == frame.pictureNumber, !frame.discontinuity { $0.gated += 1 }
            $0.latest = frame.pictureNumber
        }
    }

    private func set(_ new: State) {
        let changed = state.withLock { old in
            defer { old = new }
            return old != new
        }
        if changed { onState(name, new) }
    }
}
