import Testing

/// Does something with each item at the same time, and waits for all; an error names its item.
func atOnce<Item: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for item in items {
            group.addTask {
                do {
                    try await body(item)
                } catch {
                    // The others are cancelled then, which says nothing.
                    if !Task.isCancelled { Issue.record("\(item): \(error)") }
                    throw error
                }
            }
        }
        try await group.waitForAll()
    }
}
