import Synchronization

/// A Boolean that any thread can set and read.
final class Flag: Sendable {
    private let value = Atomic(false)

    func store(_ new: Bool) { value.store(new, ordering: .relaxed) }
    func load() -> Bool { value.load(ordering: .relaxed) }
}
