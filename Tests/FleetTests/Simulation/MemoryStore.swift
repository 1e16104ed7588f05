import Fleet
import Foundation

/// The in-memory double of the engine, with a clock that it is told.
///
/// It obeys etcd's rules for revisions, leases, transactions and watches.
struct MemoryStore {
    private(set) var revision: Int64 = 1
    private(set) var values: [String: StoredValue] = [:]
    private(set) var changes: [KeyChange] = []
    private(set) var compacted: Int64 = 0
    private var leases: [Int64: (seconds: Double, until: Double)] = [:]
    private var nextLease: Int64 = 1000
    /// When set, every write is refused.
    var isFull = false

    // MARK: Leases

    mutating func grant(seconds: Int, at time: Double) -> Int64 {
        nextLease += 1
        leases[nextLease] = (Double(seconds), time + Double(seconds))
        return nextLease
    }

    mutating func keepAlive(_ lease: Int64, at time: Double) -> Int {
        guard let seconds = leases[lease]?.seconds else { return 0 }
        leases[lease]?.until = time + seconds
        return Int(seconds)
    }

    mutating func revoke(_ lease: Int64) {
        guard leases.removeValue(forKey: lease) != nil else { return }
        let keys = values.values.filter { $0.lease == lease }.map(\.key).sorted()
        guard !keys.isEmpty else { return }
        revision += 1
        for key in keys { remove(key) }
    }

    /// Ends leases whose time is over.
    mutating func expire(at time: Double) {
        for lease in leases.filter({ $0.value.until <= time }).keys.sorted() { revoke(lease) }
    }

    mutating func revokeAll() { for lease in leases.keys.sorted() { revoke(lease) } }

    // MARK: Keys

    func read(_ range: KeyRange, limit: Int = .max) -> (values: [StoredValue], isMore: Bool) {
        let found = values.values.filter { range.holds($0.key) }.sorted {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        return (Array(found.prefix(limit)), found.count > limit)
    }

    /// Changes after a revision; throws where they are compacted.
    func changes(_ range: KeyRange, after revision: Int64) throws(EngineError) -> [KeyChange] {
        guard revision + 1 >= compacted else {
            throw EngineError(.compacted, "revisions before \(compacted) are compacted")
        }
        var first = changes.count
        while first > 0, changes[first - 1].revision > revision { first -= 1 }
        return changes[first...].filter { range.holds($0.key) }
    }

    mutating func compact(_ revision: Int64) { compacted = max(compacted, revision) }

    mutating func commit(_ transaction: EngineTransaction) throws(EngineError) -> TransactionAnswer {
        let holds = transaction.conditions.allSatisfy(holds)
        let steps = holds ? transaction.then : transaction.otherwise
        var written: Set<String> = []
        for case .put(let key, _, let lease) in steps {
            if isFull { throw EngineError(.noSpace, "the quota is used up") }
            if lease != 0, leases[lease] == nil { throw EngineError(.leaseGone, "requested lease not found") }
            if !written.insert(key).inserted { throw EngineError(.refused, "duplicate key given in txn request") }
        }
        let changesAnything = steps.contains { step in
            switch step {
            case .put: true
            case .delete(let key): values[key] != nil
            case .deleteAll(let range): values.keys.contains(where: range.holds)
            case .read: false
            }
        }
        if changesAnything { revision += 1 }
        var found: [StoredValue] = []
        for step in steps {
            switch step {
            case .put(let key, let value, let lease):
                let stored = StoredValue(
                    key: key, value: value, created: values[key]?.created ?? revision, modified: revision, lease: lease)
                values[key] = stored
                changes.append(.put(stored))
            case .delete(let key): remove(key)
            case .deleteAll(let range): for key in values.keys.filter(range.holds).sorted() { remove(key) }
            case .read(let key): if let value = values[key] { found.append(value) }
            }
        }
        return TransactionAnswer(succeeded: holds, revision: revision, found: found)
    }

    private mutating func remove(_ key: String) {
        guard values.removeValue(forKey: key) != nil else { return }
        changes.append(.delete(key: key, at: revision))
    }

    private func holds(_ condition: TransactionCondition) -> Bool {
        switch condition {
        case .absent(let key): values[key] == nil
        case .value(let key, let value): values[key]?.value == value
        case .created(let key, let revision): values[key]?.created == revision
        case .modified(let key, let revision): values[key]?.modified == revision
        }
    }
}
