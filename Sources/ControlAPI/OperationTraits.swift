/// The properties of an operation that decide how its requests are checked, on which threads they run and how long.
package struct OperationTraits: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The answer may be long, so the operation runs on other threads than short requests.
    package static let bulk = OperationTraits(rawValue: 1)
    /// The operation may take 110 s instead of 25 s.
    package static let slow = OperationTraits(rawValue: 2)
    /// Requests may be as large as an import of queries and take an hour; they run on the threads of `bulk`.
    package static let large = OperationTraits(rawValue: 4)
    /// The arguments are one or more queries, whose values `QueryConfiguration` checks.
    package static let queries = OperationTraits(rawValue: 8)
}
