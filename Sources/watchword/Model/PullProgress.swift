import CommandSupport
import Foundation
import Hub
import Synchronization

/// Shows the progress of a model's download on a terminal; failures that are retried are always printed.
final class PullProgress: Sendable {
    private let shown = Mutex<ContinuousClock.Instant?>(nil)

    /// Shows a report of the download's progress.
    func show(_ progress: ModelPull.Progress) {
        switch progress {
        case .waiting(let why, let seconds):
            Terminal.progress("")
            Terminal.complain("\(why); again in \(String(format: "%.1f", seconds)) s")
        case .bytes(let bytes, let all, let file):
            guard Terminal.isInteractive, isDue else { return }
            let share = all > 0 ? min(1, Double(bytes) / Double(all)) : 0
            let filled = Int(share * 30)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            let amount = [bytes, all].map { $0.formatted(.byteCount(style: .file)) }.joined(separator: " of ")
            Terminal.progress("\(bar) \(String(format: "%3.0f", share * 100)) %  \(amount)  \(file)")
        }
    }

    /// Removes the progress line.
    func end() { Terminal.progress("") }

    /// True if the progress line may be redrawn now, which is at most ten times per second.
    ///
    /// Reading it starts the next interval.
    private var isDue: Bool {
        shown.withLock { last in
            let now = ContinuousClock.now
            if let last, last.duration(to: now) < .milliseconds(100) { return false }
            last = now
            return true
        }
    }
}
