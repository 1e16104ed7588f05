package import Foundation
package import Notify
package import WatchwordConfiguration
package import WireFormat

/// The functions of the daemon that `FleetNode` calls.
package protocol FleetHost: Sendable {
    /// The daemon's own log of messages (its journal), to be copied to the fleet's log.
    var journal: any NotifyLog { get }
    /// True while the daemon leaves out frames because it is overloaded.
    var sheds: Bool { get }
    /// Throws an error that states why this daemon could not run the stream.
    func check(_ stream: StreamConfiguration) async throws
    /// Starts a stream, or applies its new description if the stream runs already.
    func start(_ stream: StreamConfiguration) async throws
    /// Stops a stream and ends its events; thresholds that were learnt for it are kept.
    ///
    /// `isMoved`: another node is to run it, which is why its events end.
    func stop(stream: String, isMoved: Bool) async throws
    /// Returns what is learnt on a stream and its regions, as JSON; "[]" if nothing is.
    func learnt(of stream: String) async throws -> Data
    /// Takes over what another node has learnt on a stream that does not run here yet; returns how many thresholds.
    func learn(_ json: Data, of stream: String) async throws -> Int
    /// Returns the streams on which a threshold was set or changed since the last call.
    func takeNewlyLearnt() async -> Set<String>
    /// Returns the state of each stream that the daemon runs, such as "playing", by stream name.
    func states() async -> [String: String]
    /// Adds queries, or replaces those with the same ids; adds none if one of them is invalid.
    func add(queries: [JSONValue]) async throws
    func remove(query: String) async throws
    /// Returns the queries and streams that the journal has saved, as JSON by id.
    func kept() async throws -> (queries: [String: Data], streams: [String: Data])
    func kept(query: String) async throws -> Data?
    /// Saves a JSON value about the fleet in the daemon's journal, under an id.
    func save(_ id: String, _ json: Data) async throws
    func saved() async throws -> [String: Data]
}
