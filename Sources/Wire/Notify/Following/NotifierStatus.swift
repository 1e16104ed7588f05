/// How a notifier is doing, for `status`, `notify.list` and metrics.
package struct NotifierStatus: Codable, Sendable, Equatable {
    /// What it is at.
    ///
    /// `idle`: nothing to send. `keeping`: alerts wait for a summary. `failing`: tried again later.
    package enum State: String, Codable, Sendable, CaseIterable { case idle, sending, keeping, failing, gone, dead }

    package let name: String
    package let format: String
    /// The receiver's host; the rest of its address may be secret.
    package let host: String
    package let state: State
    /// Why the last attempt failed; nil if it went well.
    package let problem: String?
    /// Seconds since the first of the attempts that have failed in a row.
    package let failingFor: Double?
    /// Messages that the receiver took, since the start.
    package let delivered: Int
    /// Attempts that failed, since the start.
    package let failures: Int
    /// Alerts that summaries have stood for, since the start.
    package let summarised: Int
    /// Alerts that wait for a summary, and messages of the journal that have not been looked at.
    package let waiting: Int
    /// Age in seconds of the oldest alert that is known to wait; 0 if none does.
    package let oldest: Double
    /// Everything up to this number is done.
    package let seq: Int64
}
