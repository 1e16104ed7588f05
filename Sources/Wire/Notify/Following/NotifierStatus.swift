/// The state of a notifier, for `status`, `notify.list` and metrics.
package struct NotifierStatus: Codable, Sendable, Equatable {
    /// The activity of a notifier.
    ///
    /// `idle`: nothing to send. `keeping`: alerts wait for a summary. `failing`: it will be tried again.
    package enum State: String, Codable, Sendable, CaseIterable { case idle, sending, keeping, failing, gone, dead }

    package let name: String
    package let format: String
    /// The receiver's host; the rest of its address may be secret.
    package let host: String
    /// Nil from a daemon of an earlier version, which does not say it.
    package let source: NotifierSource?
    package let state: State
    /// The reason why the last attempt failed; nil after a success.
    package let problem: String?
    /// The seconds since the first of the consecutive failed attempts.
    package let failingFor: Double?
    /// The messages delivered since the start.
    package let delivered: Int
    /// The failed attempts since the start.
    package let failures: Int
    /// The alerts counted in summaries since the start.
    package let summarised: Int
    /// The alerts that wait for a summary, and the journal's messages that were not read yet.
    package let waiting: Int
    /// The age in seconds of the oldest alert that is known to wait; 0 if none does.
    package let oldest: Double
    /// The number up to which every message is done.
    package let seq: Int64
}
