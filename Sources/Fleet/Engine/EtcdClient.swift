import AsyncHTTPClient
import Concurrency
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import WireFormat

/// A client of etcd's JSON gateway that uses one member of the etcd cluster at a time.
///
/// It changes to the next member when one does not answer within a second.
package actor EtcdClient: FleetEngine {
    private static let executor = QueueExecutor(label: "watchword.engine")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }

    /// The URLs of the etcd members, and the user, password and TLS files with which to connect.
    package struct Access: Sendable {
        /// The URLs of the etcd members, such as "https://box-1:2379".
        package var members: [String]
        package var user = ""
        /// The password for etcd; nil if etcd requires none.
        package var password: String?
        /// The paths of PEM files for TLS: trusted authorities, client certificate, private key; each may be nil.
        package var (authority, certificate, key): (String?, String?, String?)

        package init(members: [String]) { self.members = members }
    }

    private let access: Access
    private let client: HTTPClient
    private var member = 0
    private var token: String?
    /// Functions that cancel the open watches; all are called when the client changes to another etcd member.
    private var watches: [Int: @Sendable () -> Void] = [:]
    private var tickets = 0

    private static let deadline = Duration.seconds(1)
    /// The size limit of an answer from etcd and of one line of a watch, in bytes.
    private static let most = 48 << 20

    /// Creates a client without connecting; throws if the certificate or private key cannot be read.
    package init(_ access: Access) throws(EngineError) {
        self.access = access
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(1)
        configuration.connectionPool.retryConnectionEstablishment = false
        if access.authority != nil || access.certificate != nil {
            configuration.tlsConfiguration = try Self.tls(access)
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private static func tls(_ access: Access) throws(EngineError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = access.authority { tls.trustRoots = .file(file) }
        guard let certificate = access.certificate, let key = access.key else { return tls }
        do {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
        } catch {
            throw EngineError(.refused, "fleet.tls.certificate: \(certificate) holds no certificate in PEM")
        }
        do { tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)) } catch {
            throw EngineError(.refused, "fleet.tls.key: \(key) holds no private key in PEM")
        }
        return tls
    }

    package func close() async {
        for end in watches.values { end() }
        watches = [:]
        try? await client.shutdown()
    }

    // MARK: Operations of FleetEngine

    package func read(_ range: KeyRange, limit: Int, at revision: Int64?) async throws(EngineError) -> RangeAnswer {
        let answer = try await ask("kv/range", EtcdCoding.range(range, limit: limit, at: revision), again: true)
        return RangeAnswer(
            values: (answer["kvs"]?.array ?? []).map(EtcdCoding.stored), isMore: answer["more"] == .bool(true),
            revision: EtcdCoding.number(answer["header"]?["revision"]))
    }

    package func commit(_ transaction: EngineTransaction) async throws(EngineError) -> TransactionAnswer {
        EtcdCoding.answer(try await ask("kv/txn", EtcdCoding.transaction(transaction)))
    }

    package func grant(seconds: Int) async throws(EngineError) -> Int64 {
        EtcdCoding.number(try await ask("lease/grant", .object(["TTL": EtcdCoding.number(Int64(seconds))]))["ID"])
    }

    package func keepAlive(_ lease: Int64) async throws(EngineError) -> Int {
        let answer = try await ask("lease/keepalive", .object(["ID": EtcdCoding.number(lease)]))
        return Int(EtcdCoding.number(answer["result"]?["TTL"]))
    }

    package func revoke(_ lease: Int64) async throws(EngineError) {
        _ = try await ask("lease/revoke", .object(["ID": EtcdCoding.number(lease)]))
    }

    // MARK: Requests

    /// Sends a request to the current etcd member; with `again`, also to the other members until one answers.
    private func ask(_ path: String, _ body: JSONValue, again: Bool = false) async throws(EngineError) -> JSONValue {
        var failure = EngineError(.unreachable, "no member is known")
        for _ in 0..<(again ? access.members.count : 1) {
            do {
                return try await askWithToken(path, body)
            } catch {
                guard error.kind == .unreachable, !Task.isCancelled else { throw error }
                failure = error
            }
        }
        throw failure
    }

    private func askWithToken(_ path: String, _ body: JSONValue) async throws(EngineError) -> JSONValue {
        if access.password != nil, token == nil { try await authenticate() }
        let (status, answer) = try await post(path, body, token: token)
        if status == 200, answer?["error"] == nil, let answer { return answer }
        guard access.password != nil, status == 401 || EtcdCoding.isTokenOver(answer) else {
            throw refusal(answer, status)
        }
        try await authenticate()
        let (second, answered) = try await post(path, body, token: token)
        guard second == 200, answered?["error"] == nil, let answered else { throw refusal(answered, second) }
        return answered
    }

    private func refusal(_ answer: JSONValue?, _ status: Int) -> EngineError {
        let error = EtcdCoding.failure(answer, status: status)
        if error.kind == .unreachable { rotate() }
        return EngineError(error.kind, "the engine at \(place) says: \(error.description)")
    }

    private func authenticate() async throws(EngineError) {
        token = nil
        let body: [String: JSONValue] = [
            "name": .string(access.user), "password": .string(access.password ?? ""),
        ]
        let (status, answer) = try await post("auth/authenticate", .object(body), token: nil)
        guard status == 200, let given = answer?["token"]?.string else { throw refusal(answer, status) }
        token = given
    }

    /// The host and port of the etcd member in use, for error messages.
    private var place: String {
        let url = access.members[member]
        return url.split(separator: "/").last.map { String($0) } ?? url
    }

    private func request(_ path: String, _ body: JSONValue, token: String?) throws(EngineError) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(access.members[member])/v3/\(path)")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let token { request.headers.add(name: "Authorization", value: token) }
        do { request.body = .bytes(ByteBuffer(bytes: try WireCoding.encode(body))) } catch {
            throw EngineError(.refused, "the request cannot be written: \(error)")
        }
        return request
    }

    private func post(
        _ path: String, _ body: JSONValue, token: String?
    ) async throws(EngineError) -> (status: Int, answer: JSONValue?) {
        let (asked, place, client, at) = (try request(path, body, token: token), place, client, member)
        let results = Mailbox<Result<(Int, JSONValue?), any Error>?>(timeout: nil)
        // Parsed beside this actor: a long answer must not delay a lease that is kept alive.
        let work = Task.detached {
            do {
                let answer = try await client.execute(asked, timeout: .seconds(2))
                let collected = try await answer.body.collect(upTo: Self.most)
                let data = Data(collected.readableBytesView)
                let isLong = data.count > 64 << 10
                let json = isLong ? await offPool { try? JSONText.parse(data) } : try? JSONText.parse(data)
                results.send(.success((Int(answer.status.code), json)))
            } catch {
                results.send(.failure(error))
            }
        }
        guard let result = await results.next(until: .now + Self.deadline) else {
            work.cancel()
            if Task.isCancelled { throw EngineError(.unreachable, "the request was cancelled") }
            rotate(from: at)
            throw EngineError(.unreachable, "the engine at \(place) does not answer within 1 s")
        }
        switch result {
        case .success(let (status, json)):
            return (status, json)
        case .failure(let error):
            if error is NIOTooManyBytesError {
                throw EngineError(.tooLarge, "the engine's answer is larger than \(Self.most >> 20) MB")
            }
            rotate(from: at)
            throw EngineError(.unreachable, "the engine at \(place) cannot be reached: \(Self.brief(error))")
        }
    }

    /// Changes to the next etcd member, unless another request has already changed it from `old`.
    private func rotate(from old: Int) {
        guard member == old else { return }
        rotate()
    }

    private func rotate() {
        member = (member + 1) % max(1, access.members.count)
        for end in watches.values { end() }
        watches = [:]
    }

    private static func brief(_ error: any Error) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate is not trusted" }
        if text.contains("CERTIFICATE_EXPIRED") { return "it says that this node's certificate has expired" }
        if text.contains("BAD_CERTIFICATE") || text.contains("CERTIFICATE_REQUIRED") {
            return "it does not accept this node's certificate"
        }
        if text.contains("errno: 111") || text.contains("Connection refused") { return "connection refused" }
        return (error as? HTTPClientError)?.shortDescription ?? "no connection (\(type(of: error)))"
    }

    // MARK: Watches

    package func watch(
        _ range: KeyRange, after revision: Int64, _ take: @escaping @Sendable ([KeyChange]) async -> Void
    ) async throws(EngineError) {
        if access.password != nil, token == nil { try await authenticate() }
        let create: [String: JSONValue] = [
            "key": EtcdCoding.bytes(range.first), "range_end": EtcdCoding.bytes(range.end),
            "start_revision": EtcdCoding.number(revision + 1),
        ]
        var asked = try request("watch", .object(["create_request": .object(create)]), token: token)
        // Without this header, a watch stays silent while its member is cut off from the other members.
        asked.headers.add(name: "Grpc-Metadata-hasleader", value: "true")
        let (client, place) = (client, place)
        let work = Task { () -> EngineError in
            do {
                try await Self.follow(client, asked, take)
                return EngineError(.unreachable, "the watch at \(place) has ended")
            } catch let error as EngineError {
                return error
            } catch {
                return EngineError(.unreachable, "the watch at \(place) broke: \(Self.brief(error))")
            }
        }
        tickets += 1
        let ticket = tickets
        watches[ticket] = { work.cancel() }
        let error = await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
        watches[ticket] = nil
        if error.kind == .refused { token = nil }
        throw error
    }

    /// Reads etcd's answer to a watch line by line and passes the changes to `take`; returns when the answer ends.
    private static func follow(
        _ client: HTTPClient, _ asked: HTTPClientRequest, _ take: @Sendable ([KeyChange]) async -> Void
    ) async throws {
        let answer = try await client.execute(asked, timeout: .seconds(2))
        var rest = Data()
        for try await part in answer.body {
            rest.append(contentsOf: part.readableBytesView)
            guard rest.count <= most else {
                throw EngineError(.tooLarge, "a line of the watch is larger than \(most >> 20) MB")
            }
            guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            for line in rest[..<end].split(separator: UInt8(ascii: "\n")) {
                guard let json = try? JSONText.parse(Data(line)) else {
                    throw EngineError(.unreachable, "a line of the watch is not JSON")
                }
                let changes = try EtcdCoding.changes(json)
                if !changes.isEmpty { await take(changes) }
            }
            rest = Data(rest[rest.index(after: end)...])
        }
        if answer.status.code != 200 {
            throw EtcdCoding.failure(try? JSONText.parse(rest), status: Int(answer.status.code))
        }
    }
}
