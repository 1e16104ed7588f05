import AsyncHTTPClient
import Concurrency
import Foundation
import NIOCore
import NIOHTTP1
import StreamSources
import SystemSupport

/// Sends HTTP requests one at a time, each to an address that was resolved and checked for it; follows no redirect.
///
/// It connects to the checked address itself, so that the name cannot resolve to another one in between.
package actor WebhookSender: NoticeSender {
    private let rule: ReachRule
    private var client: HTTPClient?
    private var address: NetworkAddress?
    /// Whether the receiver refused a picture: from then on it gets none.
    private var refusesPictures = false

    /// The bytes of an answer that are read, so that the connection can be reused.
    private static let mostAnswer = 65_536
    private static let lookUp = Duration.seconds(10)
    private static let longestRetry = 3600.0
    /// The greatest number of a host's addresses that are tried for one request.
    private static let mostAddresses = 4

    package init(_ rule: ReachRule) { self.rule = rule }

    package func close() async {
        let old = client
        (client, address) = (nil, nil)
        try? await old?.shutdown()
    }

    package func send(_ parcels: [Parcel]) async -> (delivered: Int, outcome: DeliveryOutcome) {
        guard case .request(let request, let plain)? = parcels.first else { return (0, .failed("nothing to send")) }
        var outcome = await send(refusesPictures ? plain ?? request : request)
        // A server that takes no attachments, or none so large, is to say so by its status.
        if let plain, !refusesPictures, case .failed(_, _, let status?) = outcome, [400, 413, 415].contains(status) {
            outcome = await send(plain)
            // It was the picture, and not only its size.
            if outcome == .delivered, status != 413 { refusesPictures = true }
        }
        return (outcome == .delivered ? 1 : 0, outcome)
    }

    private func send(_ request: WebhookRequest) async -> DeliveryOutcome {
        let found: [NetworkAddress]
        if let literal = NetworkAddress(request.host) {
            found = [literal]
        } else {
            guard let looked = await Self.look(up: request.host) else {
                return .failed("the look-up of \(request.host) took more than 10 s")
            }
            found = looked
        }
        switch rule.choose(found, of: request.host) {
        case .failure(let problem): return .failed(problem.description)
        case .success(let chosen): return await exchange(request, chosen)
        }
    }

    /// Sends to the first address that can be connected to, beginning with the last one used.
    private func exchange(_ request: WebhookRequest, _ chosen: [NetworkAddress]) async -> DeliveryOutcome {
        let known = chosen.filter { $0 == address }
        var outcome = DeliveryOutcome.failed("no connection")
        for place in (known + chosen.filter { $0 != address }).prefix(Self.mostAddresses) {
            do {
                return try await exchange(request, client(for: place, host: request.host))
            } catch {
                outcome = .failed("\(request.host): \(Self.brief(error, request.timeout))")
                guard Self.isUnconnected(error), !Task.isCancelled else { break }
            }
        }
        return outcome
    }

    /// Whether another address may succeed.
    private static func isUnconnected(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError: error == .connectTimeout
        case is CancellationError: false
        default: true
        }
    }

    private static func look(up host: String) async -> [NetworkAddress]? {
        let results = Mailbox<[NetworkAddress]?>(timeout: nil)
        Thread { results.send(HostLookup.addresses(host)) }.start()
        return await results.next(until: .now + lookUp)
    }

    private func client(for chosen: NetworkAddress, host: String) async -> HTTPClient {
        if let client, chosen == address { return client }
        await close()
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.idleTimeout = .seconds(30)
        // Attempts are counted by whoever sends.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.dnsOverride = [host: chosen.text]
        let new = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        (client, address) = (new, chosen)
        return new
    }

    private func exchange(_ request: WebhookRequest, _ client: HTTPClient) async throws -> DeliveryOutcome {
        var asked = HTTPClientRequest(url: request.url)
        asked.method = HTTPMethod(rawValue: request.method)
        for (name, value) in request.headers.sorted(by: { $0.key < $1.key }) {
            asked.headers.add(name: name, value: value)
        }
        asked.body = .bytes(ByteBuffer(bytes: request.body))
        let deadline = ContinuousClock.now + .seconds(request.timeout)
        let answer = try await client.execute(asked, timeout: .milliseconds(Int64(request.timeout * 1000)))
        let outcome = Self.outcome(answer)
        await Self.drain(answer.body, until: deadline)
        return outcome
    }

    /// Reads the rest of a short answer within the time limit; after a longer one, the connection is closed.
    private static func drain(_ body: HTTPClientResponse.Body, until deadline: ContinuousClock.Instant) async {
        let reading = Task { _ = try? await body.collect(upTo: mostAnswer) }
        let alarm = CancellableTimer(at: deadline) { reading.cancel() }
        await withTaskCancellationHandler {
            await reading.value
        } onCancel: {
            reading.cancel()
        }
        alarm.cancel()
    }

    private static func outcome(_ answer: HTTPClientResponse) -> DeliveryOutcome {
        let code = Int(answer.status.code)
        switch code {
        case 200..<300: return .delivered
        case 410: return .gone
        case 300..<400: return .failed("the receiver answers \(code): redirects are not followed", status: code)
        default:
            let wait = answer.headers.first(name: "Retry-After").flatMap {
                RetryAfter.seconds($0, limit: longestRetry)
            }
            return .failed(
                "the receiver answers \(code) \(answer.status.reasonPhrase)", retryAfter: wait, status: code)
        }
    }

    /// Describes a failure in a few words, without the address, which may contain a secret.
    private static func brief(_ error: any Error, _ timeout: Double) -> String {
        if "\(error)".contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate is not trusted" }
        return switch error {
        case let error as HTTPClientError
        where [.connectTimeout, .deadlineExceeded, .readTimeout].contains(error):
            "no answer within \(Int(timeout)) s"
        case let error as HTTPClientError: error.shortDescription
        case is CancellationError: "cancelled"
        default: "no connection (\(String(describing: type(of: error))))"
        }
    }
}
