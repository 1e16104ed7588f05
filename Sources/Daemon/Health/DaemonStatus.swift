package import Engine
package import Health
package import Notify
package import Publishing
package import Recording
import WireFormat

/// The answer to the control operation `status`: the daemon's state and counters.
package struct DaemonStatus: Codable, Sendable {
    package let version: String
    package let model: String
    package let head: String
    package let frames: Int
    package let uptime: Double
    package let queries: Int
    package var streams: [StreamStatus]
    package let encoded: Int
    package let gated: Int
    /// The number of frames that were black, frozen or blurred, and therefore not scored.
    package let blind: Int
    /// The number of learnt thresholds that are being learnt, in use, or no longer fit the scores.
    package let thresholds: LearntThresholds
    /// The progress of an import of many queries; nil if no import is under way.
    package let importing: QueryRegistry.Progress?
    package let scored: Int
    /// The number of windows scored again in float32 because a score was close to a threshold.
    ///
    /// `undecided` counts windows for which there was no time to do so.
    package let rescored: Int
    package let undecided: Int
    package let events: Int
    /// The number of event messages that wait to be published.
    ///
    /// `coalescedUpdates` counts updates of events that were replaced by newer ones while they waited.
    package let waitingMessages: Int
    package let coalescedUpdates: Int
    /// The state of a storm, in which events come faster than their messages are published; nil if there is none.
    package var storm: StormStatus?
    package let failedBatches: Int
    package let waiting: Int
    package let seq: Int64
    /// True if messages outlive the process: a journal is configured and can be written.
    package let journaled: Bool
    package let journal: JournalStatus
    /// The history's counters; nil if no history is kept.
    package let history: HistoryCounts?
    /// The state of the recorded event clips; nil if none are recorded.
    package var clips: ClipStatus?
    package var notifiers: [NotifierStatus]
    package let rssMB: Double

    /// Returns a copy for a caller that may see only some streams: other streams and details are left out.
    ///
    /// The counters still cover all streams.
    func seen(by caller: Caller) -> DaemonStatus {
        guard caller.streams != nil else { return self }
        var seen = self
        seen.streams = streams.filter { caller.sees($0.name) }
        seen.notifiers = []
        (seen.storm, seen.clips) = (nil, nil)
        return seen
    }
}
