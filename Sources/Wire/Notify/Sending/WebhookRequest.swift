package import Foundation
import StreamSources

/// One HTTP request of a notifier, always POST.
package struct WebhookRequest: Sendable, Equatable {
    package let url: String
    package let host: String
    package var headers: [String: String]
    package let body: Data
    /// Seconds.
    package let timeout: Double

    package init(
        _ notice: Notice, _ settings: NotifierSettings, _ target: NotifierTarget, _ context: NoticeContext
    ) throws {
        body = try settings.format.body(notice, target, context)
        host = target.url.host
        timeout = settings.timeout
        headers = ["Content-Type": settings.format.contentType, "User-Agent": "watchword"]
        let id = notice.id(journal: context.journal)
        let timestamp = Int64(context.now)
        headers["webhook-id"] = id
        headers["webhook-timestamp"] = "\(timestamp)"
        if let secret = target.secret {
            headers["webhook-signature"] = secret.signature(id: id, timestamp: timestamp, body: body)
        }
        var url = target.url.with(user: nil)
        switch (settings.format, target.token) {
        case (.telegram, let token?): url = Self.joined(url, "bot\(token)/sendMessage")
        case (.gotify, let token?):
            url = Self.joined(url, "message")
            headers["X-Gotify-Key"] = token
        case (.ntfy, let token):
            // JSON is published at the server's root, and names the topic.
            let root = NotifyFormat.topic(target)?.root ?? "/"
            url = String(url.dropLast(target.url.rest.count)) + root
            if let token { headers["Authorization"] = "Bearer \(token)" }
        case (_, let token?): headers["Authorization"] = "Bearer \(token)"
        case (_, nil): break
        }
        self.url = url
    }

    private static func joined(_ url: String, _ path: String) -> String {
        url.hasSuffix("/") ? url + path : "\(url)/\(path)"
    }
}

/// What came of a request.
package enum DeliveryOutcome: Sendable, Equatable {
    case delivered
    /// The receiver wants no more, ever (410).
    case gone
    /// Why, for people: no address and no secret is in it. `retryAfter`: seconds that the receiver asks for.
    case failed(String, retryAfter: Double? = nil)
}

/// Sends requests of one notifier.
package protocol NoticeSender: Sendable {
    func send(_ request: WebhookRequest) async -> DeliveryOutcome
    func close() async
}
