package import Foundation

/// A key and its value, with their revisions, as etcd stores them.
package struct StoredValue: Sendable, Equatable {
    package let key: String
    package let value: Data
    /// The revision of etcd at which the key was created.
    package let created: Int64
    /// The revision of etcd at which the key was last written.
    package let modified: Int64
    /// The id of the lease whose end deletes the key; 0 without a lease.
    package let lease: Int64

    package init(key: String, value: Data, created: Int64, modified: Int64, lease: Int64 = 0) {
        (self.key, self.value, self.created, self.modified, self.lease) = (key, value, created, modified, lease)
    }
}

/// The keys from `first` up to, but not including, `end`, ordered by their UTF-8 bytes.
package struct KeyRange: Sendable, Equatable {
    package let first: String
    package let end: String

    package init(from first: String, to end: String) { (self.first, self.end) = (first, end) }

    /// Creates the range of all keys that begin with `prefix`.
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

/// A condition on one key in etcd; a transaction's `then` steps run only if all its conditions hold.
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

/// One write, deletion or read in a transaction on etcd.
package enum TransactionStep: Sendable, Equatable {
    case put(String, Data, lease: Int64 = 0)
    case delete(String)
    case deleteAll(KeyRange)
    case read(String)
}

/// A transaction on etcd: if all conditions hold, it runs all steps of `then`, otherwise all steps of `otherwise`.
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
    /// The revision of etcd after the transaction.
    package let revision: Int64
    /// The keys that the transaction's read steps found, with their values.
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

/// A write or deletion of one key, as a watch on etcd reports it.
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

/// A failed request to etcd: the kind of failure, and one sentence for people.
package struct EngineError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// There was no answer from etcd; the request may have been carried out nevertheless.
        case unreachable
        /// The request was rejected by etcd, for example because of a wrong password or a missing permission.
        case refused
        /// The disk quota of etcd is used up, so it accepts no new values; reads still work.
        case noSpace
        /// The requested revisions no longer exist, since etcd has compacted them; the keys must be read again.
        case compacted
        /// The lease has expired or was revoked.
        case leaseGone
        /// The answer of etcd exceeds the client's size limit.
        case tooLarge
    }
    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}

/// The key-value store that the nodes of a fleet share, with revisions, leases, transactions and watches.
///
/// `EtcdClient` implements it with etcd; tests use an in-memory double that obeys the same rules.
package protocol FleetEngine: Sendable {
    /// Returns at most `limit` values of a key range in key order, at `revision` or, if nil, at the newest revision.
    func read(_ range: KeyRange, limit: Int, at revision: Int64?) async throws(EngineError) -> RangeAnswer
    func commit(_ transaction: EngineTransaction) async throws(EngineError) -> TransactionAnswer
    /// Creates a lease that expires after `seconds` without a keep-alive; returns its id.
    func grant(seconds: Int) async throws(EngineError) -> Int64
    /// Renews a lease; returns the seconds until the lease expires, or 0 if etcd no longer has it.
    func keepAlive(_ lease: Int64) async throws(EngineError) -> Int
    func revoke(_ lease: Int64) async throws(EngineError)
    /// Passes the changes of a key range after `revision` to `take`, in order, until it is cancelled or etcd fails.
    ///
    /// It waits for each call of `take` before it reads on.
    func watch(
        _ range: KeyRange, after revision: Int64, _ take: @escaping @Sendable ([KeyChange]) async -> Void
    ) async throws(EngineError)
    func close() async
}
