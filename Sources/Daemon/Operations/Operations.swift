package import Concurrency
package import ControlAPI
import Fleet
package import Foundation
import Journal
import Matching
package import Messaging
import Printing
import StreamSources
package import WireFormat

/// A control operation on the daemon.
package typealias DaemonOperation = ControlOperation<WatchwordDaemon>

/// The control operations, shared by both sockets.
package struct Operations: Sendable {
    private let daemon: WatchwordDaemon
    private let limits: ControlLimits

    package init(_ daemon: WatchwordDaemon, limits: ControlLimits = ControlLimits()) {
        self.daemon = daemon
        self.limits = limits
    }

    /// All operations.
    package static let all =
        QueryOperations.all + StreamOperations.all + EventOperations.all + HistoryOperations.all
        + NotifyOperations.all + FleetOperations<WatchwordDaemon>.all + DaemonOperations.all
    package static let names = all.map(\.name)
    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The longest id of a request in bytes; it is returned with the answer.
    private static let longestID = 1024
    /// The longest sentence of a refusal in bytes, whatever it quotes.
    private static let longestSentence = 2000

    /// Answers one request; never throws, whatever the bytes are.
    ///
    /// It runs on request threads, and actors run on their own executors.
    package func answer(_ data: Data, from caller: Caller = .local) async -> Data {
        await withTaskExecutorPreference(RequestThreads.taking(bytes: data.count)) { await answered(data, caller) }
    }

    private func answered(_ data: Data, _ caller: Caller) async -> Data {
        var id = ""
        do {
            // What is larger than others may be is read only if it may be an import.
            let isLarge = data.count > limits.request
            guard !isLarge || data.count <= limits.importRequest && data.range(of: Self.importName) != nil else {
                throw tooLarge(limits.request)
            }
            let json: JSONValue
            do {
                json = try JSONText.parse(data)
            } catch {
                throw ControlFailure("bad-request", "the request is not JSON: \(error)")
            }
            let given = json["id"]?.string ?? ""
            guard given.utf8.count <= Self.longestID else {
                throw ControlFailure(
                    "bad-request", "id: expected at most \(Self.longestID) bytes, found \(given.utf8.count)")
            }
            id = given
            let (operation, args) = try Self.asked(json)
            guard !isLarge || operation == "query.import" else { throw tooLarge(limits.request) }
            let threads = Self.byName[operation]?.isBulk == true ? .bulk : RequestThreads.taking(bytes: data.count)
            let id = id
            return try await withTaskExecutorPreference(threads) {
                try WireCoding.encode(
                    ControlReply(id: id, result: try await perform(operation, args, for: caller, on: threads)))
            }
        } catch {
            let failure = Self.failure(error)
            let reply = ControlReply(id: id, error: .init(code: failure.code, message: failure.description))
            return (try? WireCoding.encode(reply)) ?? Data("{\"ok\":false}".utf8)
        }
    }

    /// The operation and the arguments of a request.
    package static func asked(_ json: JSONValue) throws(ControlFailure) -> (operation: String, args: JSONValue) {
        guard let operation = json["op"]?.string, let version = json["v"]?.integer, json["id"]?.string != nil else {
            throw ControlFailure("bad-request", "the request needs \"v\", \"id\" and \"op\"")
        }
        guard version == 1 else {
            throw ControlFailure("bad-version", "version \(version) of the protocol is not spoken here; use 1")
        }
        return (operation, json["args"] ?? .object([:]))
    }

    private static let importName = Data("\"query.import\"".utf8)

    private func tooLarge(_ limit: Int) -> ControlFailure {
        ControlFailure(
            "too-large", "the request is larger than \(limit >> 20) MB; do it in parts, or import a file of queries")
    }

    /// Runs one operation within its time limit, for either socket, on `threads`.
    package func perform(
        _ operation: String, _ args: JSONValue, for caller: Caller, on threads: RequestThreads = .bulk
    ) async throws -> JSONValue {
        guard let known = Self.byName[operation] else {
            throw ControlFailure(
                "unknown-operation",
                "\"\(operation.prefix(64))\" is no operation; there are: \(Self.names.joined(separator: ", "))")
        }
        try admit(caller, to: known)
        try known.check(args)
        let daemon = daemon
        return try await TimeLimit.run(seconds: known.timeLimit, on: threads) {
            let change = try await daemon.fleet?.perform(operation, args) {
                try await known.perform(daemon, args, caller)
            }
            if let change { return change }
            return try await known.perform(daemon, args, caller)
        }
    }

    /// Refuses an operation that a client's role or streams do not reach; what was refused is counted and logged.
    private func admit(_ caller: Caller, to operation: DaemonOperation) throws(ControlFailure) {
        let problem: ControlFailure
        if caller.role < operation.role {
            problem = .missing(operation.role, for: operation.name, caller)
        } else if caller.streams != nil, !operation.mindsStreams {
            problem = .limited(operation.name, caller)
        } else {
            return
        }
        daemon.gate?.deny(caller.address, "\(caller.name ?? "a client") may not \(operation.name)")
        throw problem
    }

    /// The refusal for an error, as a code and a sentence.
    package static func failure(_ error: any Error) -> ControlFailure {
        let failure =
            switch error {
            case let failure as ControlFailure: failure
            case let error as JournalError: ControlFailure(.unavailable, "\(error)")
            default: ControlFailure(.refused, "\(error)")
            }
        // Whatever a sentence quotes, a URI's secrets are not for its reader.
        return ControlFailure(failure.code, SourceURI.redacted(failure.description.excerpt(Self.longestSentence)))
    }
}
