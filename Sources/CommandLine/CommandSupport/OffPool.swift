import Concurrency

/// Runs work that blocks on a thread of its own, away from the cooperative pool.
package func offPoolThrowing<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await offPool { Result { try work() } }.get()
}
