import Synchronization

/// Answers, from within a loop, whoever asks whether it still goes round.
package final class LoopProbe: Sendable {
    private struct State {
        var isOver = false
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Returns when the loop has gone round since, or is over: then false.
    ///
    /// `nudge` wakes a loop that waits for something to do. A loop that is stuck never answers.
    package func next(nudge: () -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiting.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume(returning: false) } else { nudge() }
        }
    }

    /// The loop has gone round.
    package func beat() { answer(isOver: false) }

    /// The loop is over.
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
