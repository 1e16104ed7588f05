import Foundation
import Sampling
import TestSupport
import Testing

@Suite("Turns of decoding")
struct DecodingTurnsTests {
    /// Counts the threads that are inside, the most at once, and all so far.
    // @unchecked: `lock` guards the counts; ThreadSanitizer does not see what Mutex does
    private final class Seen: @unchecked Sendable {
        private let lock = NSLock()
        private var inside = 0
        private(set) var most = 0
        private(set) var done = 0

        func take(_ turns: DecodingTurns, times: Int) {
            for _ in 0..<times { turns.take { beInside() } }
        }

        private func beInside() {
            lock.withLock {
                inside += 1
                most = max(most, inside)
            }
            usleep(200)
            lock.withLock {
                inside -= 1
                done += 1
            }
        }
    }

    @Test("no more decode at a time than there are places, and all do")
    func places() async throws {
        let (turns, seen) = (DecodingTurns(places: 2, patience: .seconds(3600)), Seen())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { try await blocking { seen.take(turns, times: 50) } }
            }
            try await group.waitForAll()
        }
        #expect(seen.most == 2 && seen.done == 400, "\(seen.most) at most, \(seen.done) in all")
    }

    @Test("who has the turn need not wait for it")
    func nested() {
        let turns = DecodingTurns(places: 1, patience: .seconds(3600))
        #expect(turns.take { turns.take { 1 } + turns.take { 2 } } == 3)
    }

    @Test("one that hangs holds up nobody, and its place is its own again when it is back")
    func hanging() async throws {
        let turns = DecodingTurns(places: 1, patience: .milliseconds(50))
        let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let hung = Task {
            try await blocking {
                turns.take {
                    entered.signal()
                    release.wait()
                }
            }
        }
        try await blocking { entered.wait() }
        // These would wait without end.
        for _ in 0..<3 { try await blocking { turns.take {} } }
        release.signal()
        try await hung.value
        try await blocking { turns.take {} }
    }
}
