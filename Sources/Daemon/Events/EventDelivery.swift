import Concurrency
package import Engine
package import Foundation
import Journal
package import Logging
import Matching
package import Publishing
package import Recording

/// Delivers detections in their order: keeps their pictures, logs, journals and publishes them.
///
/// A few are waited for; where many wait, scoring goes on meanwhile, up to a limit at which it waits too.
package actor EventDelivery {
    private let outbox: Outbox
    private let history: DaemonHistory?
    private let clips: ClipRecorder?
    private let logger: Logger
    private var queue = DetectionQueue()
    /// The calls to make once all detections before a number are published.
    private var marks: [(number: Int, told: @Sendable (Date) async -> Void)] = []
    private var delivering: Task<Void, Never>?
    private var isEnding = false
    private var storm = StormWatch()
    /// Paths of the snapshots of open events.
    private var snapshots: [String: String] = [:]
    /// Paths of the clips' files of events whose end waits.
    private var clipPaths: [String: [String]] = [:]
    /// Reasons of events that were ended early and whose end waits.
    private var reasons: [String: EarlyEnd] = [:]
    /// The number of events that have started.
    private(set) var started = 0
    /// The number of phases of events that were sent as messages, by the phase's name.
    private(set) package var phases: [String: Int] = [:]

    /// Most detections that wait while scoring goes on.
    private static let most = 65_536
    /// Most that are stored and published at once.
    private static let chunk = 500
    /// Whether frames wait so long that scoring needs the processors more; then telling takes a quarter of the time.
    private let isLate: @Sendable () -> Bool

    package init(
        outbox: Outbox, history: DaemonHistory?, clips: ClipRecorder? = nil, logger: Logger,
        isLate: @escaping @Sendable () -> Bool
    ) {
        self.isLate = isLate
        self.outbox = outbox
        self.history = history
        self.clips = clips
        self.logger = logger
    }

    /// Detections that wait, and updates that were left out since newer ones said what they said.
    package var backlog: (waiting: Int, coalesced: Int) { (queue.count, queue.coalesced) }
    /// Queries whose events come faster than they are told; nil where none do.
    package var storming: StormStatus? { storm.status(at: Date()) }

    /// Delivers detections; returns when they are out or, where many wait, at once.
    ///
    /// `told` is called when they are out, with the time.
    package func deliver(_ detections: [Detection], told: (@Sendable (Date) async -> Void)? = nil) async {
        // A clip begins and ends with its event, however long the news of it waits.
        for detection in detections { if let paths = clips?.see(detection) { clipPaths[detection.event] = paths } }
        let before = queue.count
        queue.add(detections)
        if let news = storm.observe(detections, waiting: before, at: Date()) { say(news) }
        if let told {
            // Nothing waits: nobody has to be woken for it.
            if queue.count == 0, delivering == nil { return await told(Date()) }
            marks.append((queue.end, told))
        }
        guard !detections.isEmpty || told != nil else { return }
        let work = delivery()
        if queue.count <= StormWatch.calm { return await work.value }
        // In a task of its own: a caller that was cancelled waits, too.
        while queue.count > Self.most { await Task { try? await Task.sleep(for: .milliseconds(20)) }.value }
    }

    /// Delivers the last detections of a stream; returns when they and all before them are published.
    ///
    /// `reason`: why the events that they end were ended.
    package func finish(_ detections: [Detection], reason: EarlyEnd? = nil) async {
        if let reason { for end in detections where end.transition.phase == .end { reasons[end.event] = reason } }
        await deliver(detections)
        guard queue.count > 0 || delivering != nil else { return }
        await withCheckedContinuation { done in
            marks.append((queue.end, { _ in done.resume() }))
            _ = delivery()
        }
    }

    /// Gives up all detections that wait, since there is no time left; returns their number.
    package func abandon() async -> Int {
        let out = marks
        marks = []
        let count = queue.giveUp()
        for mark in out { await mark.told(Date()) }
        return count
    }

    /// Returns when nothing waits; nothing is scored any more.
    package func drain() async {
        isEnding = true
        await delivering?.value
    }

    /// Returns the task that publishes all waiting detections, and those that come meanwhile.
    private func delivery() -> Task<Void, Never> {
        if let delivering { return delivering }
        let task = Task { await sendAll() }
        delivering = task
        return task
    }

    private func sendAll() async {
        while queue.count > 0 || !marks.isEmpty {
            let began = ContinuousClock.now
            await send(queue.take(Self.chunk))
            let (now, first) = (Date(), queue.first)
            let out = marks.prefix { $0.number <= first }
            marks.removeFirst(out.count)
            for mark in out { await mark.told(now) }
            if StormWatch.calm..<Self.most / 2 ~= queue.count, !isEnding, isLate() {
                let spent: Duration = began.duration(to: .now)
                try? await Task.sleep(for: min(spent * 3, .seconds(1)))
            }
        }
        delivering = nil
    }

    private func send(_ detections: [Detection]) async {
        guard !detections.isEmpty else { return }
        await keepSnapshots(of: detections)
        var messages: [PendingMessage] = []
        messages.reserveCapacity(detections.count)
        let isStorm = storm.isOn(at: Date())
        for detection in detections {
            history?.see(detection)
            let event = detection.event
            let isEnd = detection.transition.phase == .end
            messages.append(
                detection.pending(
                    snapshot: snapshots[event], clips: isEnd ? clipPaths[event] ?? [] : [],
                    reason: isEnd ? reasons[event] : nil))
            if isEnd { (snapshots[event], clipPaths[event], reasons[event]) = (nil, nil, nil) }
            // A storm is told of as a whole.
            if !isStorm { log(detection) }
        }
        await outbox.send(messages)
        for detection in detections { phases["\(detection.transition.phase)", default: 0] += 1 }
        started += detections.count { $0.transition.phase == .start }
    }

    private func say(_ news: StormWatch.News) {
        switch news {
        case .goesOn(let storm):
            logger.warning(
                "more events come than are told at once; updates of an event that wait become one",
                metadata: [
                    "waiting": "\(queue.count)", "queries": "\(storm.queries)",
                    "most": "\(storm.most.map { "\($0.query) (\($0.messages))" }.joined(separator: ", "))",
                ])
        case .over(let queries):
            logger.notice("events are told as they come again", metadata: ["queries": "\(queries)"])
        }
    }

    private func log(_ detection: Detection) {
        logger.info(
            "event",
            metadata: [
                "event": "\(detection.event)", "phase": "\(detection.transition.phase)",
                "query.id": "\(detection.query.id)", "stream": "\(detection.stream)",
                "score": "\(detection.transition.score)",
            ])
    }

    /// Keeps each picture once, whatever number of events has it.
    private func keepSnapshots(of detections: [Detection]) async {
        var places: [Data: Int] = [:]
        var pictures: [(jpeg: Data, events: [String])] = []
        for detection in detections {
            guard let jpeg = detection.snapshot else { continue }
            if let place = places[jpeg] {
                pictures[place].events.append(detection.event)
            } else {
                places[jpeg] = pictures.count
                pictures.append((jpeg, [detection.event]))
            }
        }
        for (jpeg, events) in pictures {
            do {
                for (event, path) in try await outbox.write(snapshot: jpeg, events: events) { snapshots[event] = path }
            } catch {
                logger.warning(
                    "a snapshot is not kept",
                    metadata: ["event": "\(events[0])", "events": "\(events.count)", "error": "\(error)"])
            }
        }
    }
}

extension ClipRecorder {
    /// Takes note of an event; where its clip will be, once it has ended and if it has one.
    fileprivate func see(_ detection: Detection) -> [String]? {
        let event = detection.transition
        switch event.phase {
        case .start where detection.query.settings.clips:
            begin(detection.event, of: String(detection.stream.prefix { $0 != "/" }), at: event.wallStart)
        case .end:
            let files = end(detection.event, at: event.wallEnd)
            return files.isEmpty ? nil : files
        default: break
        }
        return nil
    }
}
