import CFetch
import CGStreamer
import Foundation
import StreamSources
import SystemSupport

/// Reads the picture at an HTTP address, and downloads it only if it has changed (`ETag`, `Last-Modified`).
///
/// It follows redirects itself: each address is checked, and user and password are sent only to their own host.
final class SnapshotAddress: SnapshotReader {
    private let uri: String
    private let login: (user: String, password: String)?
    private let shown: String
    private let policy: SourcePolicy?
    private let failure: SourceFailure
    private let cancellation: FetchCancellation
    private let probe = ConnectionProbe()
    private let database: TLSDatabase?
    private let fetcher: OpaquePointer?
    /// The `ETag` and `Last-Modified` headers of the last downloaded picture.
    private var seen: (tag: String?, modified: String?) = (nil, nil)

    /// Makes a reader; `uri` may contain a user and a password.
    ///
    /// It must be called on the thread that will call `next`.
    init(
        uri: String, shown: String, policy: SourcePolicy?, hasCredentials: Bool, database: TLSDatabase?,
        cancellation: FetchCancellation
    ) {
        (self.uri, login) = Self.parted(uri)
        (self.shown, self.policy, self.cancellation) = (shown, policy, cancellation)
        self.database = database
        fetcher = ww_fetcher_new(database?.pointer)
        failure = SourceFailure(uri: uri, hasCredentials: hasCredentials, wasHeard: false)
    }

    deinit { if let fetcher { ww_fetcher_free(fetcher) } }

    func forget() { seen = (nil, nil) }

    func next() throws(SnapshotFault) -> [UInt8]? {
        cancellation.limit(seconds: SnapshotLimits.seconds)
        var place = uri
        for _ in 0...SnapshotLimits.redirects {
            let answer = try ask(place)
            switch answer.status {
            case 200: return try picture(answer)
            case 304 where seen.tag != nil || seen.modified != nil: return nil
            case 301, 302, 303, 307, 308: place = try redirected(answer, from: place)
            default: throw refused(answer)
            }
        }
        throw .lasting("\(shown): it leads from one address to the next without end")
    }

    // MARK: One request

    private struct Answer {
        let status: Int
        let reason, type, tag, modified, location, retryAfter: String?
        let body: [UInt8]
    }

    private func ask(_ place: String) throws(SnapshotFault) -> Answer {
        var fetched = ww_fetched()
        defer { ww_fetched_clear(&fetched) }
        let login = Self.isSame(place, uri) ? login : nil
        withTexts([place, login?.user, login?.password, seen.tag, seen.modified]) { texts in
            var request = ww_fetch_request(
                uri: texts[0], user: texts[1], password: texts[2], tag: texts[3], modified: texts[4],
                most: SnapshotLimits.bytes, pause: SnapshotLimits.pause)
            ww_fetch(
                fetcher, &request,
                { type in ContentType(type.map { String(cString: $0) }) == .stream ? 0 : 1 },
                cancellation.pointer, &fetched)
        }
        switch fetched.outcome {
        case WW_FETCH_ANSWERED: break
        case WW_FETCH_TOO_LARGE:
            throw .passing("\(shown): the picture has more than \(SnapshotLimits.bytes >> 20) MiB, no more are read")
        case WW_FETCH_CANCELLED where cancellation.isWanted:
            throw .passing("\(shown): the picture did not come within \(SnapshotLimits.seconds) s")
        case WW_FETCH_CANCELLED: throw .cancelled
        default: throw failed(Self.text(fetched.why) ?? "unknown error")
        }
        return Answer(
            status: Int(fetched.status), reason: Self.text(fetched.reason), type: Self.text(fetched.type),
            tag: Self.text(fetched.tag), modified: Self.text(fetched.modified), location: Self.text(fetched.location),
            retryAfter: Self.text(fetched.retry_after),
            body: Array(UnsafeBufferPointer(start: fetched.body, count: fetched.count)))
    }

    private func picture(_ answer: Answer) throws(SnapshotFault) -> [UInt8] {
        guard ContentType(answer.type) != .stream else {
            throw .stream(
                "\(shown): expected one picture, found a stream (\(answer.type ?? "")); leave template: snapshot out")
        }
        seen = (Self.condition(answer.tag), Self.condition(answer.modified))
        return answer.body
    }

    private func redirected(_ answer: Answer, from place: String) throws(SnapshotFault) -> String {
        guard let location = answer.location, let text = ww_fetch_resolve(place, location) else {
            throw .lasting("\(shown): it leads elsewhere (\(answer.status)), and does not say where")
        }
        defer { ww_text_free(text) }
        let (next, _) = Self.parted(String(cString: text))
        guard ["http", "https"].contains(SourceURI.scheme(next)), (try? StrictURI(next)) != nil else {
            throw .lasting("\(shown): it leads to \(SourceURI.redacted(next)), which is no address of HTTP")
        }
        if let policy {
            do throws(SourcePolicy.Refusal) { try policy.check(next) } catch {
                throw .lasting("\(shown): it leads to \(SourceURI.redacted(next)): \(error.reason)")
            }
        }
        return next
    }

    private func refused(_ answer: Answer) -> SnapshotFault {
        let report = SourceReport(
            .resource, GST_RESOURCE_ERROR_READ.rawValue, answer.reason ?? "",
            debug: "\(answer.reason ?? "") (\(answer.status))", status: answer.status)
        let why = "\(shown): \(failure.sentence(report) { probe.run($0, trusting: database) })"
        if [429, 503].contains(answer.status), let wait = answer.retryAfter.flatMap({ RetryAfter.seconds($0) }) {
            return .busy("\(why), in \(Int(wait.rounded(.up))) s", wait)
        }
        return .lasting(why)
    }

    /// Returns the fault for a failed connection, worded like the errors of GStreamer's sources.
    private func failed(_ why: String) -> SnapshotFault {
        // If the time limit ended the request, `why` says so.
        let report = SourceReport(.stream, GST_STREAM_ERROR_FAILED.rawValue, why, debug: "streaming stopped")
        return .passing("\(shown): \(failure.sentence(report) { probe.run($0, trusting: database) })")
    }

    // MARK: Texts

    /// Returns true if credentials for URI `b` may be sent to URI `a`.
    private static func isSame(_ a: String, _ b: String) -> Bool {
        guard let a = try? StrictURI(a), let b = try? StrictURI(b) else { return a == b }
        return a.mayGetCredentials(of: b)
    }

    /// Splits a URI into the URI without credentials, and its percent-decoded user and password.
    static func parted(_ uri: String) -> (uri: String, login: (user: String, password: String)?) {
        guard let start = uri.range(of: "://")?.upperBound else { return (uri, nil) }
        let place = uri[start...].prefix { !"/?#".contains($0) }
        guard let sign = place.lastIndex(of: "@") else { return (uri, nil) }
        let parts = place[..<sign].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            .map { $0.removingPercentEncoding ?? String($0) }
        let rest = uri[uri.index(after: sign)...]
        return ("\(uri[..<start])\(rest)", (parts[0], parts.count > 1 ? parts[1] : ""))
    }

    /// Returns an `ETag` or `Last-Modified` value to send back; nil if it is too long or has control characters.
    private static func condition(_ text: String?) -> String? {
        text.flatMap { $0.utf8.count <= 1024 && $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } ? $0 : nil }
    }

    private static func text(_ text: UnsafeMutablePointer<CChar>?) -> String? { text.map { String(cString: $0) } }
}

/// Lends strings to C for the duration of `body`; nil strings become null pointers.
private func withTexts(_ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> Void) {
    let copies = texts.map { $0.flatMap { strdup($0) } }
    defer { for copy in copies { free(copy) } }
    body(copies.map { $0.map { UnsafePointer($0) } })
}

/// Cancels the HTTP request or the probe in progress: at its time limit, or permanently when the source stops.
// @unchecked: `lock` guards `current`, `round` and `isOver`
final class FetchCancellation: @unchecked Sendable {
    private let lock = NSLock()
    private var current = ww_fetch_cancellable_new()
    private var round = 0
    private var isOver = false

    deinit { if let current { ww_fetch_cancellable_free(current) } }

    var isWanted: Bool { lock.withLock { !isOver } }
    /// GIO's cancellable of the newest request; only that request's thread uses it.
    var pointer: UnsafeMutableRawPointer? { lock.withLock { current } }

    func cancel() {
        lock.withLock {
            isOver = true
            if let current { ww_fetch_cancel(current) }
        }
    }

    /// Begins the time limit of the next request: it is cancelled after `seconds`.
    ///
    /// It must be called on the request's thread, after the request before has ended.
    func limit(seconds: Int) {
        let mine = lock.withLock {
            if !isOver {
                if let current { ww_fetch_cancellable_free(current) }
                current = ww_fetch_cancellable_new()
            }
            round += 1
            return round
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) { [weak self] in
            self?.expire(mine)
        }
    }

    private func expire(_ number: Int) {
        lock.withLock { if number == round, let current { ww_fetch_cancel(current) } }
    }
}
