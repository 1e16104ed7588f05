import Concurrency
import Synchronization
import Testing

private final class Log: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

@Suite("One thing after the other")
struct SerialTaskQueueTests {
    @Test("what nobody waits for any more is given up, or not begun; what has to be done is done")
    func cancelling() async throws {
        let queue = SerialTaskQueue()
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let done = Log()
        // Goes on until it is cancelled.
        let first = Task {
            try await queue.takeWhileWanted {
                begin.yield()
                while true { try await Task.sleep(for: .milliseconds(1)) }
            }
        }
        for await _ in begun { break }
        let second = Task { try await queue.takeWhileWanted { done.add("second") } }
        let third = Task { try await queue.take { done.add("third") } }
        second.cancel()
        third.cancel()
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        await #expect(throws: CancellationError.self) { try await second.value }
        try await third.value
        try await queue.take { done.add("fourth") }
        #expect(done.all == ["third", "fourth"])
    }
}
