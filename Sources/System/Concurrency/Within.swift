import Foundation

/// Runs `work` in a new task, waits for it up to `limit`, and returns true if it ended in time.
///
/// Unfinished work continues in the background, because work that hangs cannot be stopped.
package func within(_ limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let ended = Mailbox(timeout: false)
    Task {
        await work()
        ended.send(true)
    }
    return await ended.next(until: .now + limit)
}

/// Runs a blocking closure on a new thread, waits for it up to `limit`, and returns true if it ended in time.
///
/// An unfinished closure continues in the background. Without a limit, the call waits until the closure ends.
package func offPool(atMost limit: Duration?, _ body: @escaping @Sendable () -> Void) async -> Bool {
    let ended = Mailbox(timeout: false)
    Thread {
        body()
        ended.send(true)
    }.start()
    return await ended.next(until: limit.map { .now + $0 })
}
