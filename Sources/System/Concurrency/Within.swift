import Foundation

/// Waits for work, but no longer than `limit`; whether it was done by then.
///
/// What is not done by then goes on by itself: nothing that hangs can be made to end.
package func within(_ limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let ended = Mailbox(timeout: false)
    Task {
        await work()
        ended.send(true)
    }
    return await ended.next(until: .now + limit)
}

/// Runs something that may block away from the cooperative pool, and waits for it at most so long; whether it came to
/// its end.
///
/// What has not, goes on alone.
package func offPool(atMost limit: Duration?, _ body: @escaping @Sendable () -> Void) async -> Bool {
    let ended = Mailbox(timeout: false)
    Thread {
        body()
        ended.send(true)
    }.start()
    return await ended.next(until: limit.map { .now + $0 })
}
