package import Foundation
import StreamSources

/// One HTTP request of a notifier.
package struct WebhookRequest: Sendable, Equatable {
    package private(set) var method = "POST"
    package let url: String
    package let host: String
    package var headers: [String: String]
    package let body: Data
    /// Whether a picture is in it.
    package let hasPicture: Bool
    /// The time limit in seconds.
    package let timeout: Double

    package init(
        _ notice: Notice, _ settings: NotifierSettings, _ target: NotifierTarget, _ context: NoticeContext,
        picture: Data? = nil
    ) throws {
        let pictured = picture.flatMap { PicturedBody(notice, settings.format, context, picture: $0) }
        hasPicture = pictured != nil
        body = try pictured?.data ?? settings.format.body(notice, target, context)
        host = target.url.host
        timeout = settings.timeout
        headers = [
            "Content-Type": pictured?.contentType ?? settings.format.contentType, "User-Agent": "watchword",
        ]
        let id = notice.id(journal: context.journal)
        let timestamp = Int64(context.now)
        headers["webhook-id"] = id
        headers["webhook-timestamp"] = "\(timestamp)"
        if let secret = target.secret {
            headers["webhook-signature"] = secret.signature(id: id, timestamp: timestamp, body: body)
        }
        var url = target.url.with(user: nil)
        switch (settings.format, target.token) {
        case (.telegram, let token?): url = Self.joined(url, "bot\(token)/\(hasPicture ? "sendPhoto" : "sendMessage")")
        case (.gotify, let token?):
            url = Self.joined(url, "message")
            headers["X-Gotify-Key"] = token
        case (.ntfy, let token):
            if let token { headers["Authorization"] = "Bearer \(token)" }
            if let pictured {
                // The picture itself is put at the topic; what is said of it is in headers.
                method = "PUT"
                headers.merge(pictured.headers) { $1 }
                break
            }
            // JSON is published at the server's root, and names the topic.
            let root = NotifyFormat.topic(target)?.root ?? "/"
            url = String(url.dropLast(target.url.rest.count)) + root
        case (_, let token?): headers["Authorization"] = "Bearer \(token)"
        case (_, nil): break
        }
        self.url = url
    }

    private static func joined(_ url: String, _ path: String) -> String {
        url.hasSuffix("/") ? url + path : "\(url)/\(path)"
    }
}
