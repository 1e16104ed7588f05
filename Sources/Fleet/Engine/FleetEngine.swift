package import Foundation

/// A key with its value, as the engine stores it.
package struct StoredValue: Sendable, Equatable {
    package let key: String
    package let value: Data
    /// Revision at which the key came to be.
    package let created: Int64
    /// Revision of its newest value.
    package let modified: Int64
    /// The lease with which it goes; 0 without one.
    package let lease: Int64

    package init(key: String, value: Data, created: Int64, modified: Int64, lease: Int64 = 0) {
        (self.key, self.value, self.created, self.modified, self.lease) = (key, value, created, modified, lease)
    }
}

/// Keys from `first` to before `end`, in the order of their bytes.
package struct KeyRange: Sendable, Equatable {
    package let first: String
    package let end: String

    package init(from first: String, to end: String) { (self.first, self.end) = (first, end) }

    /// All keys that begin so.
    package init(prefix: String) {
        var bytes = Array(prefix.utf8)
        if let last = bytes.popLast() { bytes.append(last + 1) }
        self.init(from: prefix, to: String(decoding: bytes, as: UTF8.self))
    }

    package func holds(_ key: String) -> Bool { !Self.isBefore(key, first) && Self.isBefore(key, end) }

    static func isBefore(_ one: String, _ other: String) -> Bool {
        one.utf8.lexicographicallyPrecedes(other.utf8)
    }
}

/// A condition that must hold for a transaction to be done.
package enum TransactionCondition: Sendable, Equatable {
    case absent(String)
    case value(String, Data)
    case created(String, Int64)
    case modified(String, Int64)

    package var key: String {
        switch self {
        case .absent(let key), .value(let key, _), .created(let key, _), .modified(let key, _): key
        }
    }
}

/// One step of a transaction.
package enum TransactionStep: Sendable, Equatable {
    case put(String, Data, lease: Int64 = 0)
    case delete(String)
    case deleteAll(KeyRange)
    case read(String)
}

/// Compare and set: all conditions hold and all of `then` is done, or all of `otherwise`.
package struct EngineTransaction: Sendable, Equatable {
    package var conditions: [TransactionCondition]
    package var then: [TransactionStep]
    package var otherwise: [TransactionStep]

    package init(
        if conditions: [TransactionCondition], then: [TransactionStep], otherwise: [TransactionStep] = []
    ) {
        (self.conditions, self.then, self.otherwise) = (conditions, then, otherwise)
    }
}

package struct TransactionAnswer: Sendable, Equatable {
    package let succeeded: Bool
    /// The engine's revision after it.
    package let revision: Int64
    /// Keys that its steps read and found.
    package let found: [StoredValue]

    package init(succeeded: Bool, revision: Int64, found: [StoredValue] = []) {
        (self.succeeded, self.revision, self.found) = (succeeded, revision, found)
    }
}

package struct RangeAnswer: Sendable {
    package let values: [StoredValue]
    package let isMore: Bool
    package let revision: Int64

    package init(values: [StoredValue], isMore: Bool, revision: Int64) {
        (self.values, self.isMore, self.revision) = (values, isMore, revision)
    }
}

/// A change of a key.
package enum KeyChange: Sendable, Equatable {
    case put(StoredValue)
    case delete(key: String, at: Int64)

    package var key: String {
        switch self {
        case .put(let value): value.key
        case .delete(let key, _): key
        }
    }
    package var revision: Int64 {
        switch self {
        case .put(let value): value.modified
        case .delete(_, let revision): revision
        }
    }
}

/// Why the engine did not do what it was asked for: one sentence.
package struct EngineError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// No answer: what was asked for may have been done all the same.
        case unreachable
        /// The engine understands, and will not: a wrong password, no right to the key.
        case refused
        /// The engine's disk quota is used up: it can only be read.
        case noSpace
        /// Revisions that are asked for are compacted: read anew.
        case compacted
        /// There is no such lease any more.
        case leaseGone
        /// The answer is larger than is read.
        case tooLarge
    }
    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}

/// The store that a fleet needs: revisions, leases, compare and set, watches.
///
/// etcd behind `EtcdClient`; tests and the simulation have a double that obeys the same rules.
package protocol FleetEngine: Sendable {
    /// Values of a range, in order, at most `limit`; at a revision, or the newest.
    func read(_ range: KeyRange, limit: Int, at revision: Int64?) async throws(EngineError) -> RangeAnswer
    func commit(_ transaction: EngineTransaction) async throws(EngineError) -> TransactionAnswer
    /// A lease that lasts so many seconds without being kept alive; its number.
    func grant(seconds: Int) async throws(EngineError) -> Int64
    /// Seconds that the lease lasts from now on; 0 if there is none of that number.
    func keepAlive(_ lease: Int64) async throws(EngineError) -> Int
    func revoke(_ lease: Int64) async throws(EngineError)
    /// Changes after a revision, in order, until the task is cancelled or the watch breaks.
    func watch(
        _ range: KeyRange, after revision: Int64, _ take: @escaping @Sendable ([KeyChange]) -> Void
    ) async throws(EngineError)
    func close() async
}
