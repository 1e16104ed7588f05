import Foundation
import SystemSupport
import Testing

@Suite("Pauses between attempts")
struct BackoffTests {
    @Test("pauses double up to the limit, chance only shortens them, and success brings back the first")
    func backoff() {
        var backoff = Backoff(first: .seconds(1), max: .seconds(30))
        let pauses = (0..<7).map { _ in backoff.next(chance: 0) / .seconds(1) }
        #expect(pauses == [1, 2, 4, 8, 16, 30, 30])
        for _ in 0..<100_000 { _ = backoff.next(chance: 0.5) }
        #expect(backoff.next(chance: 1) == .seconds(22.5) && backoff.next(chance: 7) == .seconds(22.5))
        backoff.reset()
        #expect(backoff.next(chance: 0) == .seconds(1))
    }
}
