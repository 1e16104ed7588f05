import Dispatch
import Synchronization

/// Calls `make` with each number in 0..<count on all cores; returns the results in the order of the numbers.
func concurrentMap<T: Sendable>(_ count: Int, _ make: @Sendable (Int) -> T) -> [T] {
    let made = Mutex([T?](repeating: nil, count: count))
    DispatchQueue.concurrentPerform(iterations: count) { index in
        let item = make(index)
        made.withLock { $0[index] = item }
    }
    return made.withLock { $0.compactMap { $0 } }
}
