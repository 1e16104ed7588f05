import Synchronization

/// Tells whether a loop still runs: the loop itself answers in each round.
package final class LoopProbe: Sendable {
    private struct State {
        var isOver = false
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Waits until the loop has completed a round, and returns true; returns false if the loop has ended.
    ///
    /// `nudge` wakes a loop that waits for work. A loop that is stuck never answers.
    package func next(nudge: () -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiting.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume(returning: false) } else { nudge() }
        }
    }

    /// Reports a completed round; called by the loop.
    package func beat() { answer(isOver: false) }

    /// Reports that the loop has ended.
    package func end() { answer(isOver: true) }

    private func answer(isOver: Bool) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isOver = state.isOver || isOver
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: !isOver) }
    }
}
