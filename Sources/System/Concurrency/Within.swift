import Foundation

/// Waits for work up to `limit`, and returns whether it was done.
///
/// Unfinished work continues by itself: work that hangs cannot be ended.
package func within(_ limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let ended = Mailbox(timeout: false)
    Task {
        await work()
        ended.send(true)
    }
    return await ended.next(until: .now + limit)
}

/// Runs a blocking closure outside the cooperative pool, and waits for it up to `limit`; returns whether it ended.
///
/// An unfinished closure continues by itself.
package func offPool(atMost limit: Duration?, _ body: @escaping @Sendable () -> Void) async -> Bool {
    let ended = Mailbox(timeout: false)
    Thread {
        body()
        ended.send(true)
    }.start()
    return await ended.next(until: limit.map { .now + $0 })
}
