import Dispatch
import Foundation
import Synchronization

/// The signals that end the daemon, step by step, and the one that reloads the configuration.
///
/// Before the daemon is ready, a signal ends the process at once. Afterwards the first signal requests an orderly end
/// (see `wishes`). Another one at least a second later ends the process at once.
// @unchecked: dispatch sources are thread-safe, and only kept
final class Signals: @unchecked Sendable {
    private enum Phase { case starting, running, stopping(since: ContinuousClock.Instant) }

    let wishes: AsyncStream<Int32>
    private let phase = Mutex(Phase.starting)
    private var sources: [any DispatchSourceSignal] = []

    init() {
        let (wishes, wish) = AsyncStream<Int32>.makeStream()
        self.wishes = wishes
        // A journal that may not grow, or a reader of logs that has gone, is to be said or borne, not to die of.
        for number in [SIGXFSZ, SIGPIPE] { signal(number, SIG_IGN) }
        sources = [SIGTERM, SIGINT, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { [weak self] in self?.received(number, wish) }
            source.resume()
            return source
        }
    }

    /// Marks the daemon as ready, so that signals now request an orderly end.
    func ready() { phase.withLock { $0 = .running } }

    private func received(_ number: Int32, _ wish: AsyncStream<Int32>.Continuation) {
        // What is being started has just read its configuration, and what ends needs none.
        if number == SIGHUP { return phase.withLock { if case .running = $0 { wish.yield(number) } } }
        let before = phase.withLock { phase in
            defer { if case .running = phase { phase = .stopping(since: .now) } }
            return phase
        }
        switch before {
        case .starting: _exit(0)
        case .running: wish.yield(number)
        // A terminal and timeout(1) tell the process and its group: that is one wish.
        case .stopping(let since) where .now - since < .seconds(1): break
        case .stopping:
            // As if it had never been caught, so that whoever waits sees what ended the daemon.
            signal(number, SIG_DFL)
            kill(getpid(), number)
        }
    }
}
