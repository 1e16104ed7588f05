/// Runs a body for each element, some at a time, and returns when all have ended.
///
/// For rounds of a test that wait most of the time and need nothing of each other. An error names its element, and ends
/// no other round.
package func together<Element: Sendable>(
    _ elements: [Element], atMost most: Int = 4, _ body: @escaping @Sendable (Element) async throws -> Void
) async throws {
    let failures = await withTaskGroup(of: String?.self, returning: [String].self) { group in
        var failures: [String] = []
        for (number, element) in elements.enumerated() {
            if number >= most, let ended = await group.next(), let failure = ended { failures.append(failure) }
            group.addTask { await said(by: element, body) }
        }
        for await ended in group { if let failure = ended { failures.append(failure) } }
        return failures
    }
    guard failures.isEmpty else { throw ProgramError(description: failures.joined(separator: "\n")) }
}

/// Returns a line about the body's error; nil without one.
private func said<Element: Sendable>(
    by element: Element, _ body: @escaping @Sendable (Element) async throws -> Void
) async -> String? {
    do { try await body(element) } catch { return "\(element): \(error)" }
    return nil
}
