package import Logging

/// Pings systemd's watchdog for as long as the scoring loop answers, and tells what the daemon does.
///
/// A ping says that the loop has gone round since it was asked, through the engine's executor: a daemon that has
/// nothing to watch pings, one whose loop has died or is stuck in a plugin does not, and systemd starts it again.
package struct Watchdog: Sendable {
    private let notifier: Notifier
    private let logger: Logger

    package init(_ notifier: Notifier, logger: Logger) {
        self.notifier = notifier
        self.logger = logger
    }

    /// Until the task is cancelled or the loop is over; returns at once if systemd asks for no pings.
    ///
    /// `pulse` returns when the loop has gone round, with false when it is over.
    package func ping(pulse: @Sendable () async -> Bool) async {
        guard let interval = notifier.watchdog.map({ $0 / 2 }) else { return }
        let logger = logger
        while !Task.isCancelled {
            let asked = ContinuousClock.now
            let complaint = Task {
                try await Task.sleep(for: interval)
                logger.error("the scoring loop does not answer", metadata: ["seconds": "\(interval / .seconds(1))"])
            }
            let answered = await pulse()
            complaint.cancel()
            guard answered else { return }
            notifier.alive()
            try? await Task.sleep(until: asked + interval)
        }
    }

    /// Says what the daemon does whenever that has changed, until the task is cancelled.
    package func tell(every pause: Duration = .seconds(5), status: @Sendable () async -> String) async {
        var told: String?
        while !Task.isCancelled {
            let text = await status()
            if text != told { notifier.status(text) }
            told = text
            try? await Task.sleep(for: pause)
        }
    }
}
