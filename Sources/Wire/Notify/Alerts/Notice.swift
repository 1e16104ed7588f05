/// A message from a notifier to its receiver.
package enum Notice: Sendable, Equatable {
    case alert(Alert)
    case summary(AlertSummary)
    /// The end of an event whose sensor is on, where the end itself is not told.
    case ended(Alert)
    /// A sensor that is off: what would have said so is gone from the journal.
    case off(SensorKey)
    /// A test message that a person has requested; `id` is unique.
    case test(id: String)

    /// The notice's id, the same for each attempt to send it, so that receivers recognise duplicates.
    package func id(journal: String) -> String {
        switch self {
        case .alert(let alert), .ended(let alert): "\(journal)-\(alert.seq)"
        case .summary(let summary): "\(journal)-\(summary.first)-\(summary.last)"
        case .off(let key): "off-\(key.stream)-\(key.query)"
        case .test(let id): "test-\(id)"
        }
    }

    /// The time of the oldest alert in the notice, in seconds since 1970; nil if there is none.
    package var oldest: Double? {
        switch self {
        case .alert(let alert), .ended(let alert): alert.time
        case .summary(let summary): summary.times?.lowerBound
        case .test, .off: nil
        }
    }
}
