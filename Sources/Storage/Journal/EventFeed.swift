import Concurrency
import Synchronization

/// A bounded buffer of the newest published messages, for the readers that send them on by webhook, MQTT or HTTP.
///
/// A reader that falls behind reads the journal until it has caught up; the publisher never waits for a reader.
package final class EventFeed: Sendable {
    /// The result of asking for the messages after a given number.
    package enum Next: Sendable {
        /// The messages published after the given number, in order; empty if there are none yet.
        case messages([Entry])
        /// The buffer no longer has all messages after the given number: read the journal, up to number `newest`.
        case behind(newest: Int64)
        case ended
    }

    private struct State {
        var entries: ArraySlice<Entry> = []
        var bytes = 0
        /// Every message with a greater number than this is in the buffer.
        var floor: Int64
        var newest: Int64
        /// The number after which the feed began; 0 after `restart`.
        var start: Int64
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var tickets = 0
        var ended = false
    }

    private let state: Mutex<State>
    private let mostMessages: Int
    private let mostBytes: Int

    /// Makes an empty feed whose first message will be the one after number `newest`.
    ///
    /// It keeps up to `messages` messages and `bytes` bytes.
    package init(after newest: Int64, messages: Int = 1024, bytes: Int = 4 << 20) {
        state = Mutex(State(floor: newest, newest: newest, start: newest))
        mostMessages = messages
        mostBytes = bytes
    }

    /// Changes the feed, and wakes the readers that wait.
    private func wake(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Removes the messages up to `seq`; followers that have read less then read the log instead.
    package func skip(to seq: Int64) {
        wake { state in
            guard seq > state.newest else { return }
            if state.newest == state.start { state.start = seq }
            (state.entries, state.bytes, state.floor, state.newest) = ([], 0, seq, seq)
        }
    }

    /// Removes all messages, and begins again at number 0; call it when the log was replaced by another one.
    package func restart() {
        wake { state in
            (state.entries, state.bytes, state.floor) = ([], 0, 0)
            (state.newest, state.start) = (0, 0)
        }
    }

    /// The number after which the feed began: the newest one when the daemon started, or 0 after `restart`.
    package var start: Int64 { state.withLock { $0.start } }

    package var newest: Int64 { state.withLock { $0.newest } }

    /// Adds published messages, and wakes the readers that wait for them.
    ///
    /// The messages are already in the journal, or are kept in memory until the disk can be written.
    package func add(_ entries: [Entry]) {
        guard let last = entries.last else { return }
        wake { state in
            state.entries += entries
            state.bytes += entries.reduce(0) { $0 + $1.body.count }
            state.newest = last.seq
            while state.entries.count > mostMessages || state.bytes > mostBytes, let old = state.entries.popFirst() {
                state.bytes -= old.body.count
                state.floor = old.seq
            }
            // A slice keeps the memory of elements that were dropped from its front, so copy it from time to time.
            if state.entries.startIndex > mostMessages { state.entries = ArraySlice(Array(state.entries)) }
        }
    }

    /// Ends the feed, and wakes the readers that wait: no more messages will come.
    package func end() { wake { $0.ended = true } }

    /// Returns messages with greater numbers than `seq`, at most `limit` of them.
    package func next(after seq: Int64, limit: Int) -> Next {
        state.withLock { state in
            if seq < state.floor { return .behind(newest: state.newest) }
            guard seq < state.newest else { return state.ended ? .ended : .messages([]) }
            // A number is missing if its message could not be published, so the index is searched for, not computed.
            let first = state.entries.partitioningIndex { $0.seq > seq }
            return .messages(Array(state.entries[first...].prefix(limit)))
        }
    }

    /// Waits until a message after `seq` is published, the feed ends, `end` is reached, or the task is cancelled.
    package func wait(after seq: Int64, until end: ContinuousClock.Instant) async {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        let giveUp: @Sendable () -> Void = { [self] in
            state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume()
        }
        let alarm = CancellableTimer(at: end, giveUp)
        defer { alarm.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isOver = state.withLock { state in
                    // If the task is cancelled, or the time is over, after this check, `giveUp` finds the continuation
                    // by its ticket.
                    if state.newest > seq || state.ended || Task.isCancelled || end <= .now { return true }
                    state.waiting[ticket] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            giveUp()
        }
    }
}

extension ArraySlice {
    /// Returns the first index at which the condition holds; it must hold for all later elements and for none before.
    fileprivate func partitioningIndex(_ isAfter: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
