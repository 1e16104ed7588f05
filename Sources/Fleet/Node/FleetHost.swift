package import Foundation
package import Notify
package import WatchwordConfiguration
package import WireFormat

/// The functions of a daemon that the fleet's node calls.
package protocol FleetHost: Sendable {
    /// The journal, as its followers read it.
    var journal: any NotifyLog { get }
    /// Whether frames are left out since there is too much to do.
    var sheds: Bool { get }
    /// Refuses a stream that this node could not run, by a sentence.
    func check(_ stream: StreamConfiguration) async throws
    /// Runs a stream, or runs it as it is described now.
    func start(_ stream: StreamConfiguration) async throws
    /// Stops a stream, and ends its events; what was learnt of it stays.
    func stop(stream: String) async throws
    /// States of the streams that are run, by name.
    func states() async -> [String: String]
    /// Adds queries, or replaces those of their ids; none, if one is wrong.
    func add(queries: [JSONValue]) async throws
    func remove(query: String) async throws
    /// Queries and streams that the journal keeps, by name.
    func kept() async throws -> (queries: [String: Data], streams: [String: Data])
    func kept(query: String) async throws -> Data?
    /// Saves a value of the fleet in the journal, by id.
    func save(_ id: String, _ json: Data) async throws
    func saved() async throws -> [String: Data]
}
