/// The settings that decide when matches become an event, when updates are sent, and when the event ends.
///
/// All times are seconds of media time.
package struct EventPolicy: Sendable, Hashable {
    /// The amount by which a window's value (score or probability) must fall below the threshold to end an event.
    package var hysteresis: Float
    /// The least duration of a match, from the end of its first window to the end of the window that starts the event.
    package var minimumDuration: Double
    /// The number of windows, of the last `windows`, that must match for an event to start and to continue.
    package var needed: Int
    package var windows: Int
    /// The seconds after an event's end in which no new event starts.
    package var cooldown: Double
    /// The rise of an event's highest value for which an update is sent; `updateInterval` is the least time between
    /// updates.
    package var updateStep: Float
    package var updateInterval: Double

    package init(
        hysteresis: Float = cosineHysteresis, minimumDuration: Double = 0, needed: Int = 1, of windows: Int = 1,
        cooldown: Double = 0, updateStep: Float = 0.01, updateInterval: Double = 1
    ) {
        self.hysteresis = hysteresis
        self.minimumDuration = minimumDuration
        self.needed = needed
        self.windows = windows
        self.cooldown = cooldown
        self.updateStep = updateStep
        self.updateInterval = updateInterval
    }

    /// The default hysteresis for cosines; `logitHysteresis` and `probabilityHysteresis` are for logits and
    /// probabilities.
    package static let cosineHysteresis: Float = 0.02
    package static let logitHysteresis: Float = 0.5
    package static let probabilityHysteresis: Float = 0.05
    /// The greatest value of `windows`.
    package static let mostWindows = 64

    /// Returns the default hysteresis of a query: for probabilities if it has contrasting texts, otherwise for its
    /// scores.
    package static func hysteresis(of rule: ThresholdRule, scores: ScoreKind) -> Float {
        if case .contrast = rule { return probabilityHysteresis }
        return scores == .logits ? logitHysteresis : cosineHysteresis
    }

    /// The same settings without a cooldown, for a query in a group of queries, which has a common cooldown.
    package var ofMember: EventPolicy {
        var policy = self
        policy.cooldown = 0
        return policy
    }

    /// The error of the first invalid setting; nil if all are valid.
    var problem: QueryPartError? {
        func wrong(_ key: String, _ expected: String, _ found: some CustomStringConvertible) -> QueryPartError {
            QueryPartError(key, "expected \(expected), found \(found)")
        }
        let day: ClosedRange<Double> = 0...86_400
        guard hysteresis.isFinite, hysteresis >= 0 else { return wrong("hysteresis", "0 or more", hysteresis) }
        guard day.contains(minimumDuration) else {
            return wrong("minimum_duration", "0 to 86400 seconds", minimumDuration)
        }
        guard (1...Self.mostWindows).contains(windows) else {
            return wrong("confirm.of", "1 to \(Self.mostWindows) windows", windows)
        }
        guard (1...windows).contains(needed) else { return wrong("confirm.need", "1 to \(windows)", needed) }
        guard day.contains(cooldown) else { return wrong("cooldown", "0 to 86400 seconds", cooldown) }
        guard updateStep.isFinite, updateStep >= 0 else { return wrong("update.step", "0 or more", updateStep) }
        guard day.contains(updateInterval) else {
            return wrong("update.interval", "0 to 86400 seconds", updateInterval)
        }
        return nil
    }
}
