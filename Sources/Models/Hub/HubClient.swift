import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import SystemSupport

/// An HTTP client for a model hub (a server with Hugging Face's API).
///
/// It follows redirects itself, so that the access token is sent only to the hub.
struct HubClient: Sendable {
    let endpoint: HubEndpoint
    let client: HTTPClient

    private static let redirectLimit = 10
    private static let agent = "watchword"

    /// Calls `body` with a new client, and shuts the client down afterwards.
    static func with<T>(_ endpoint: HubEndpoint, _ body: (HubClient) async throws -> T) async throws -> T {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(20), read: .seconds(60)))
        configuration.httpVersion = .http1Only
        // Attempts are counted in one place: `Retries`.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await body(HubClient(endpoint: endpoint, client: client))
            try await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// An HTTP response with status 200, 206 or 416; the body is not yet read.
    struct Answer {
        let status: Int
        let headers: HTTPHeaders
        let body: HTTPClientResponse.Body

        /// The length of the body in bytes; nil if the response does not state it.
        var length: Int? { headers.first(name: "Content-Length").flatMap { Int($0) } }
        var isChunked: Bool { headers[canonicalForm: "Transfer-Encoding"].contains("chunked") }
        /// The response's ETag for use in `If-Range`; nil for a weak ETag, which `If-Range` does not allow.
        var strongETag: String? {
            headers.first(name: "ETag").flatMap { $0.hasPrefix("\"") && $0.utf8.count <= 500 ? $0 : nil }
        }
        /// The offset of the first byte of a partial response: 5 in `Content-Range: bytes 5-9/10`.
        var rangeStart: Int? { range?.firstMatch(of: /^bytes +([0-9]+)-/).flatMap { Int($0.1) } }
        /// The length of the whole file in bytes: 10 in `Content-Range: bytes 5-9/10` or `bytes */10`.
        var rangeTotal: Int? { range?.firstMatch(of: /\/([0-9]+)$/).flatMap { Int($0.1) } }
        private var range: String? { headers.first(name: "Content-Range") }
    }

    /// Sends a GET request and follows redirects; returns the response.
    ///
    /// Throws `Transient` if another attempt may succeed, otherwise a `HubError` that names `what`.
    func get(_ url: URL, _ what: String, headers: [(String, String)] = []) async throws -> Answer {
        var url = url
        var mayShowToken = true
        for _ in 0...Self.redirectLimit {
            var request = HTTPClientRequest(url: url.absoluteString)
            request.headers.add(name: "User-Agent", value: Self.agent)
            request.headers.add(name: "Accept-Encoding", value: "identity")
            for (name, value) in headers { request.headers.add(name: name, value: value) }
            if mayShowToken, let authorization = endpoint.authorization(for: url) {
                request.headers.add(name: "Authorization", value: authorization)
            }
            let response: HTTPClientResponse
            do {
                response = try await client.execute(request, timeout: .seconds(90))
            } catch let error as CancellationError {
                throw error
            } catch {
                guard !"\(error)".contains("CERTIFICATE_VERIFY_FAILED") else {
                    throw HubError(
                        .unavailable, "\(what): the certificate of \(HubEndpoint.origin(url)) is not trusted")
                }
                throw Transient(reason: "\(HubEndpoint.origin(url)) cannot be reached (\(Self.brief(error)))")
            }
            guard [301, 302, 303, 307, 308].contains(response.status.code) else { return try check(response, what) }
            guard let location = response.headers.first(name: "Location"),
                let next = URL(string: location, relativeTo: url)?.absoluteURL, next.host()?.isEmpty == false,
                let scheme = next.scheme?.lowercased(), scheme == "https" || scheme == "http"
            else { throw HubError(.badData, "\(what): the server redirects to no http or https address") }
            guard scheme == "https" || url.scheme?.lowercased() == "http" else {
                throw HubError(.badData, "\(what): the server redirects from https to http")
            }
            // After a redirect to another origin the token is not sent again, even if a later redirect leads back.
            if HubEndpoint.origin(next) != HubEndpoint.origin(url) { mayShowToken = false }
            url = next
        }
        throw HubError(.unavailable, "\(what): the server redirects more than \(Self.redirectLimit) times")
    }

    private func check(_ response: HTTPClientResponse, _ what: String) throws -> Answer {
        let code = Int(response.status.code)
        switch code {
        case 200, 206, 416: return Answer(status: code, headers: response.headers, body: response.body)
        case 401, 403:
            let advice =
                endpoint.hasToken
                ? "HF_TOKEN gives no access to it" : "it may need a token, to be given in HF_TOKEN, or not be there"
            throw HubError(.noPermission, "\(what): the server answers \(code): \(advice)")
        case 404, 410: throw HubError(.notFound, "\(what): the server answers \(code): there is none of that name")
        case 408, 425, 429, 500...599:
            throw Transient(
                reason: "the server answers \(code)",
                wait: response.headers.first(name: "Retry-After").flatMap { RetryAfter.seconds($0, limit: .infinity) })
        default: throw HubError(.unavailable, "\(what): the server answers \(code)")
        }
    }

    /// Returns the next chunk of a response body, or nil at its end; throws `Transient` if the connection breaks.
    static func next(_ pieces: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await pieces.next()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Transient(reason: "the connection was cut (\(brief(error)))")
        }
    }

    /// Reads a whole response body into memory; returns nil if it is longer than `limit` bytes.
    static func whole(_ answer: Answer, limit: Int) async throws -> Data? {
        var data = Data()
        var pieces = answer.body.makeAsyncIterator()
        while let piece = try await next(&pieces) {
            data += Data(piece.readableBytesView)
            if data.count > limit { return nil }
        }
        return data
    }

    /// Describes a network error in a few words, without the URL, which may contain a signature.
    private static func brief(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: error.shortDescription
        case is NIOConnectionError: "no connection"
        default: String(describing: type(of: error))
        }
    }
}
