import Concurrency


/// Runs work that waits on a thread of its own.
func offPoolThrowing(_ work: @escaping @Sendable () throws -> Void) async throws {
    try await offPool { Result { try work() } }.get()
}
