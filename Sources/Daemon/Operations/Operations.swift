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

/// One control operation of the daemon, such as `query.add`, with its arguments, rights and code.
package typealias DaemonOperation = ControlOperation<WatchwordDaemon>

/// Runs the daemon's control operations, for requests from both the ZeroMQ and the HTTP socket.
package struct Operations: Sendable {
    private let daemon: WatchwordDaemon
    private let limits: ControlLimits

    package init(_ daemon: WatchwordDaemon, limits: ControlLimits = ControlLimits()) {
        self.daemon = daemon
        self.limits = limits
    }

    /// Every control operation of the daemon; `names` has their names.
    package static let all =
        QueryOperations.all + StreamOperations.all + EventOperations.all + HistoryOperations.all
        + NotifyOperations.all + FleetOperations<WatchwordDaemon>.all + DaemonOperations.all
    package static let names = all.map(\.name)
    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The size limit of a request's id, in bytes; the answer contains the id.
    private static let longestID = 1024
    /// The size limit of an error message, in bytes; longer ones are cut.
    private static let longestSentence = 2000

    /// Answers one JSON request; for an invalid request or a failed operation, the answer contains the error.
    ///
    /// It runs on the daemon's request threads; actors that it calls run on their own executors.
    package func answer(_ data: Data, from caller: Caller = .local) async -> Data {
        await withTaskExecutorPreference(RequestThreads.taking(bytes: data.count)) { await answered(data, caller) }
    }

    private func answered(_ data: Data, _ caller: Caller) async -> Data {
        var id = ""
        do {
            // A request above the usual size limit is parsed only if it may be `query.import`, whose limit is higher.
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

    /// Returns the operation and the arguments of a request; throws if a member is missing or the version is wrong.
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

    /// Runs one operation on `threads`, within the operation's time limit, for a caller of either socket.
    ///
    /// In a fleet, changes of queries and streams are made for the whole fleet.
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

    /// Throws if the caller's role or its restriction to some streams forbids the operation; counts and logs that.
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

    /// Converts any error to a failure with a code and a message, in which passwords of URIs are hidden.
    package static func failure(_ error: any Error) -> ControlFailure {
        let failure =
            switch error {
            case let failure as ControlFailure: failure
            case let error as JournalError: ControlFailure(.unavailable, "\(error)")
            default: ControlFailure(.refused, "\(error)")
            }
        // The message may quote a URI, whose password the reader must not see.
        return ControlFailure(failure.code, SourceURI.redacted(failure.description.excerpt(Self.longestSentence)))
    }
}
