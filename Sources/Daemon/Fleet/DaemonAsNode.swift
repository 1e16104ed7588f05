import CLIP
import Engine
import Fleet
import Foundation
import Journal
import Notify
import Publishing
import Sampling
import StreamSources
import WatchwordConfiguration
import WireFormat

extension WatchwordDaemon: FleetDaemon {}

/// The daemon as its fleet sees it.
struct DaemonAsNode: FleetHost {
    let outbox: Outbox
    let queries: QueryRegistry
    let streams: StreamRegistry
    let queue: FrameQueue

    func identity(_ model: ModelDirectory, _ configuration: Configuration) -> FleetNode.Identity {
        FleetNode.Identity(
            model: model.identity, version: watchwordVersion, credentials: Array(configuration.credentials.keys))
    }

    var journal: any NotifyLog { NotifierLog(outbox: outbox) }
    var sheds: Bool { queue.share.value < 1 }
    func check(_ stream: StreamConfiguration) async throws { try await streams.check(stream) }
    func start(_ stream: StreamConfiguration) async throws { try await streams.add(stream) }
    func stop(stream: String) async throws { try await streams.release(stream) }
    func states() async -> [String: String] {
        await Dictionary(streams.running.map { ($0.name, $0.currentState.word) }) { $1 }
    }
    func add(queries all: [JSONValue]) async throws { _ = try await queries.add(json: all) }
    func remove(query: String) async throws { _ = try await queries.remove(query) }

    func kept() async throws -> (queries: [String: Data], streams: [String: Data]) {
        var found: [String: Data] = [:]
        for saved in try await outbox.saved(.query) {
            found[saved.id] = try WireCoding.encode(SavedQuery(saved.json).configuration)
        }
        return (found, Dictionary(try await outbox.saved(.stream).map { ($0.id, $0.json) }) { $1 })
    }

    func kept(query: String) async throws -> Data? {
        try await outbox.saved(.query, id: query).map { try WireCoding.encode(SavedQuery($0).configuration) }
    }

    func save(_ id: String, _ json: Data) async throws { try await outbox.save(.fleet, id: id, json: json) }
    func saved() async throws -> [String: Data] {
        Dictionary(try await outbox.saved(.fleet).map { ($0.id, $0.json) }) { $1 }
    }
}
