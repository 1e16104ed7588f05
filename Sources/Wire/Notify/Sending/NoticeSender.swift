package import Foundation
package import Logging

/// A notice in the form that its receiver takes.
package enum Parcel: Sendable, Equatable {
    /// `plain`: the same without a picture, where there is one.
    case request(WebhookRequest, plain: WebhookRequest? = nil)
    case messages([MQTTMessage])

    package init(
        _ notice: Notice, _ settings: NotifierSettings, _ target: NotifierTarget, _ context: NoticeContext,
        picture: Data? = nil
    ) throws {
        guard settings.format != .mqtt else {
            self = .messages(try MQTTMessage.of(notice, settings, context, picture: picture))
            return
        }
        let request = try WebhookRequest(notice, settings, target, context, picture: picture)
        let plain = request.hasPicture ? try WebhookRequest(notice, settings, target, context) : nil
        self = .request(request, plain: plain)
    }
}

/// The outcome of sending.
package enum DeliveryOutcome: Sendable, Equatable {
    case delivered
    /// The receiver wants no more, ever (410).
    case gone
    /// Why, for people: no address and no secret is in it. `retryAfter`: seconds that the receiver asks for. `status`:
    /// of HTTP.
    case failed(String, retryAfter: Double? = nil, status: Int? = nil)
}

/// Sends what one notifier has to say.
package protocol NoticeSender: Sendable {
    /// Parcels that are sent at once, at most.
    var window: Int { get }
    /// Seconds between attempts, at most.
    var longestPause: Double { get }
    /// Why it could send nothing now, if that is known.
    var problem: String? { get }
    func start() async
    /// Sends parcels in order: how many of them the receiver has, from the first on, and what came of the next.
    func send(_ parcels: [Parcel]) async -> (delivered: Int, outcome: DeliveryOutcome)
    func close() async
}

extension NoticeSender {
    package var window: Int { 1 }
    package var longestPause: Double { 3600 }
    package var problem: String? { nil }
    package func start() async {}
}

/// The settings that a sender is made from.
package struct SenderContext: Sendable {
    package let settings: NotifierSettings
    package let target: NotifierTarget
    /// Identity of the journal.
    package let journal: String
    /// Whether it is for one test message, beside the notifier's own.
    package let isTest: Bool
    /// Sensors that are on.
    package let on: Set<SensorKey>
    package let roster: RosterSource
}

package func makeSender(_ context: SenderContext, logger: Logger) -> any NoticeSender {
    context.settings.format == .mqtt
        ? MQTTSender(context, logger: logger) : WebhookSender(ReachRule(context.settings))
}
