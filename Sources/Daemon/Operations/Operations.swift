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

/// An operation that the daemon does.
package typealias DaemonOperation = ControlOperation<WatchwordDaemon>

/// The control operations, once for whatever socket brings them.
package struct Operations: Sendable {
    private let daemon: WatchwordDaemon
    private let limits: ControlLimits

    package init(_ daemon: WatchwordDaemon, limits: ControlLimits = ControlLimits()) {
        self.daemon = daemon
        self.limits = limits
    }

    /// Every operation there is.
    package static let all =
        QueryOperations.all + StreamOperations.all + EventOperations.all + HistoryOperations.all
        + NotifyOperations.all + FleetOperations<WatchwordDaemon>.all + DaemonOperations.all
    package static let names = all.map(\.name)
    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Most bytes of a request's id, which comes back with the answer.
    private static let longestID = 1024
    /// Most bytes of a refusal's sentence, whatever it quotes.
    private static let longestSentence = 2000

    /// Answers one request; never throws, whatever the bytes are.
    ///
    /// All of it is done on threads of requests, and by actors on their own.
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

    /// Does one operation in its time, whatever socket asked for it; `threads`: where it works.
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
        return try await TimeLimit.run(seconds: TimeLimit.seconds(operation), on: threads) {
            let change = try await daemon.fleet?.perform(operation, args) { try await known.perform(daemon, args) }
            if let change { return change }
            return try await known.perform(daemon, args)
        }
    }

    /// Refuses an operation that a client's role does not reach; what was refused is counted and logged.
    private func admit(_ caller: Caller, to operation: DaemonOperation) throws(ControlFailure) {
        guard caller.role < operation.role else { return }
        let name = caller.name ?? "a client"
        daemon.gate?.deny(caller.address, "\(name) may not \(operation.name)")
        throw .missing(operation.role, for: operation.name, caller)
    }

    /// The refusal of an operation, as a code and a sentence.
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
