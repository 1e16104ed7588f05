import Synchronization

/// Checks whether an endless loop still makes progress: a caller waits until the loop reports its next completed round.
package final class LoopProbe: Sendable {
    private struct State {
        var isOver = false
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Waits until the loop has completed a round and returns true; returns false if the loop has ended.
    ///
    /// `nudge` is called to wake a loop that is waiting for work. If the loop is stuck, this call never returns.
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
