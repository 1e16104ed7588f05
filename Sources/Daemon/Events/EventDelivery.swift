import Concurrency
import Engine
import Journal
import Logging
import Matching
import Recording

/// Delivers detections in their order: keeps their pictures, logs, journals and publishes them.
actor EventDelivery {
    private let outbox: Outbox
    private let history: DaemonHistory?
    private let clips: ClipRecorder?
    private let logger: Logger
    /// Paths of the snapshots of open events.
    private var snapshots: [String: String] = [:]
    /// Events that have started.
    private(set) var started = 0
    /// Phases of events that were told, by their names.
    private(set) var phases: [String: Int] = [:]
    private let turns = SerialTaskQueue()

    init(outbox: Outbox, history: DaemonHistory?, clips: ClipRecorder? = nil, logger: Logger) {
        self.outbox = outbox
        self.history = history
        self.clips = clips
        self.logger = logger
    }

    /// Sends detections; returns when they are out.
    ///
    /// One call after the other: an event's end must not overtake its start while a picture is written.
    func deliver(_ detections: [Detection]) async {
        guard !detections.isEmpty else { return }
        try? await turns.take { await self.send(detections) }
    }

    private func send(_ detections: [Detection]) async {
        var messages: [PendingMessage] = []
        for detection in detections {
            await keepSnapshot(of: detection)
            history?.see(detection)
            messages.append(detection.pending(snapshot: snapshots[detection.event], clip: clips?.see(detection)))
            phases["\(detection.transition.phase)", default: 0] += 1
            switch detection.transition.phase {
            case .start: started += 1
            case .update: break
            case .end: snapshots[detection.event] = nil
            }
            logger.info(
                "event",
                metadata: [
                    "event": "\(detection.event)", "phase": "\(detection.transition.phase)",
                    "query.id": "\(detection.query.id)", "stream": "\(detection.stream)",
                    "score": "\(detection.transition.score)",
                ])
        }
        await outbox.send(messages)
    }

    private func keepSnapshot(of detection: Detection) async {
        guard let jpeg = detection.snapshot else { return }
        do {
            if let path = try await outbox.write(snapshot: jpeg, event: detection.event) {
                snapshots[detection.event] = path
            }
        } catch {
            logger.warning(
                "a snapshot is not kept", metadata: ["event": "\(detection.event)", "error": "\(error)"])
        }
    }
}

extension ClipRecorder {
    /// Takes note of an event; where its clip will be, once it has ended.
    fileprivate func see(_ detection: Detection) -> String? {
        let event = detection.transition
        switch event.phase {
        case .start where detection.query.settings.clips:
            begin(detection.event, of: String(detection.stream.prefix { $0 != "/" }), at: event.wallStart)
        case .end: return end(detection.event, at: event.wallEnd)
        default: break
        }
        return nil
    }
}
