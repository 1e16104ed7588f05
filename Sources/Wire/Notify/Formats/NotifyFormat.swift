package import Foundation
import Printing
import StreamSources
import WireFormat

/// The formats of bodies that receivers understand.
package enum NotifyFormat: String, Sendable, CaseIterable {
    case cloudevents, mqtt, slack, discord, ntfy, gotify, telegram

    private var isForPrograms: Bool { self == .cloudevents || self == .mqtt }

    /// The phases of events that are sent by default: all for programs, the start alone for people.
    package var usualPhases: Set<AlertFilter.Phase> { isForPrograms ? Set(AlertFilter.Phase.allCases) : [.start] }

    /// The default of `catch_up` in seconds: three days for programs, an hour for people.
    package var usualCatchUp: Double { isForPrograms ? 3 * 86_400 : 3600 }
    /// Seconds, with Home Assistant: a sensor that turns on long after the event would mislead.
    package static let homeCatchUp = 300.0

    /// Schemes of addresses.
    package var schemes: [String] { self == .mqtt ? ["mqtt", "mqtts"] : ["http", "https"] }
    /// A sentence on the keys to use instead of a user in the address.
    package var userKeys: String {
        self == .mqtt
            ? "name it by user: NAME, and a file with the password by password: FILE"
            : "name a file with the token: token: FILE"
    }
    /// Whether a picture can go with an alert.
    package var takesPictures: Bool { [.mqtt, .discord, .ntfy, .telegram].contains(self) }

    var usualURL: String? { self == .telegram ? "https://api.telegram.org" : nil }

    /// Throws if a target lacks what the service needs.
    func check(_ target: NotifierTarget, _ settings: NotifierSettings, _ what: String) throws(NotifyError) {
        switch self {
        case .telegram where target.token == nil || settings.chat == nil:
            throw NotifyError("\(what): format telegram needs token: (the bot's) and chat:")
        case .gotify where target.token == nil:
            throw NotifyError("\(what): format gotify needs token: (an application's)")
        case .ntfy where Self.topic(target) == nil:
            throw NotifyError("\(what): format ntfy needs an address with a topic, as in https://ntfy.sh/my-topic")
        default: break
        }
    }

    /// The last part of the path, and the address before it; nil without one.
    static func topic(_ target: NotifierTarget) -> (root: String, topic: String)? {
        let path = target.url.rest.prefix { $0 != "?" }
        guard let slash = path.lastIndex(of: "/") else { return nil }
        let topic = path[path.index(after: slash)...]
        guard !topic.isEmpty, topic.utf8.count <= 64 else { return nil }
        return (String(path[...slash]), String(topic))
    }
}

/// The context of a notice: its journal, the notifier, and the time.
package struct NoticeContext: Sendable {
    let journal: String
    let notifier: String
    let chat: String?
    /// The time of sending, in seconds since 1970.
    let now: Double

    package init(journal: String, notifier: String, chat: String? = nil, now: Double) {
        self.journal = journal
        self.notifier = notifier
        self.chat = chat
        self.now = now
    }
}

extension NotifyFormat {
    /// The media type of the body.
    var contentType: String {
        self == .cloudevents ? "application/cloudevents+json; charset=utf-8" : "application/json; charset=utf-8"
    }

    /// Returns the body of a notice.
    package func body(_ notice: Notice, _ target: NotifierTarget, _ context: NoticeContext) throws -> Data {
        let value: JSONValue =
            switch self {
            case .cloudevents, .mqtt: CloudEvent.of(notice, context)
            case .slack: .object(["text": .string(Self.escapedForSlack(notice.text(context).whole))])
            case .discord:
                Self.discord(notice.text(context))
            case .ntfy: Self.ntfy(notice, target, context)
            case .gotify:
                .object([
                    "title": .string(notice.text(context).title), "message": .string(notice.text(context).rest),
                    "priority": .integer(notice.isUrgent ? 8 : 4),
                ])
            case .telegram:
                .object([
                    "chat_id": .string(context.chat ?? ""), "text": .string(notice.text(context).whole.excerpt(4000)),
                    "disable_web_page_preview": .bool(true),
                ])
            }
        return try WireCoding.encode(value)
    }

    static func discord(_ text: NoticeText) -> JSONValue {
        // Nobody is called by a name that stands in a query.
        .object([
            "content": .string(text.whole.excerpt(1900)), "allowed_mentions": .object(["parse": .array([])]),
        ])
    }

    private static func ntfy(_ notice: Notice, _ target: NotifierTarget, _ context: NoticeContext) -> JSONValue {
        let text = notice.text(context)
        return .object([
            "topic": .string(topic(target)?.topic ?? ""), "title": .string(text.title.excerpt(240)),
            "message": .string(text.rest.excerpt(3800)), "priority": .integer(notice.isUrgent ? 4 : 3),
        ])
    }

    private static func escapedForSlack(_ text: String) -> String {
        text.excerpt(3800).replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

extension Notice {
    /// Whether the notice is about an event that has just begun.
    var isUrgent: Bool {
        if case .alert(let alert) = self { alert.message.phase == "start" } else { false }
    }
}
