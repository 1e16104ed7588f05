package import Foundation

/// Finds out whether another Watchword publishes below a notifier's topic: both would clear each other's sensors.
///
/// Who publishes says so in a retained message. One that finds another's, and `availability` at `online`, asks whether
/// it is still there. One that has yielded asks again from time to time. Of two that begin at once the one with the
/// lesser name stays.
package struct TopicOwner: Sendable {
    /// A name that is this notifier's alone, and the machine that it runs on.
    package struct Claim: Sendable, Equatable {
        package let name: String
        package let host: String

        package init(name: String, host: String) { (self.name, self.host) = (name, host) }

        /// Parses "NAME HOST"; nil for other texts.
        package init?(_ payload: Data) {
            let words = String(decoding: payload.prefix(256), as: UTF8.self).split(separator: " ")
            guard words.count == 2 else { return nil }
            (name, host) = (String(words[0]), String(words[1]))
        }

        package var payload: Data { Data("\(name) \(host)".utf8) }
    }

    /// What is to be done.
    package enum Step: Sendable, Equatable {
        case nothing
        /// The topic is this notifier's: it says so, and that it is there.
        case claim
        /// Another may have it, and is asked.
        case ask(Claim)
        /// The other one has it.
        case yield(Claim)
    }

    let own: Claim
    private let topics: MQTTTopics
    /// Whether what was retained before this connection is known.
    private(set) var isSettled = false
    private(set) var other: Claim?
    /// The one that was asked and has not answered.
    private var asked: Claim?
    private var retained: Claim?
    private var wasOnline = false
    /// Waits since the other one was heard last.
    private var waits = 0

    /// Waits after which one that has yielded asks again: five minutes.
    package static let mostWaits = 60

    package init(_ own: Claim, _ topics: MQTTTopics) { (self.own, self.topics) = (own, topics) }

    /// Questions, and the payload of one's own, which comes after all that was retained.
    static let (question, echo) = (Data("who".utf8), Data("here".utf8))

    /// The topic of messages to one that has a claim.
    func door(_ claim: Claim) -> String { "\(topics.owner)/\(claim.name)" }
    var subscriptions: [String] { [topics.owner, topics.availability, door(own)] }
    /// Whether sensors may be told of.
    package var isOwner: Bool { isSettled && other == nil && asked == nil }

    /// Begins another connection.
    mutating func begin() {
        (isSettled, wasOnline) = (false, false)
        (other, asked, retained, waits) = (nil, nil, nil, 0)
    }

    /// Takes note of a message of its subscriptions.
    mutating func see(_ message: MQTTSession.Arrival) -> Step {
        see(message.topic, message.payload, isRetained: message.isRetained)
    }

    /// Takes note of a message by its parts.
    package mutating func see(_ topic: String, _ payload: Data, isRetained: Bool) -> Step {
        switch topic {
        case door(own):
            guard payload == Self.question else { return settle() }
            return isOwner ? .claim : .nothing
        case topics.availability:
            let isOnline = payload == Data("online".utf8)
            guard isSettled else {
                if isRetained { wasOnline = isOnline }
                return .nothing
            }
            // Whoever said that has gone, and took the word of the one that stays with it.
            guard !isOnline else { return .nothing }
            (other, asked) = (nil, nil)
            return .claim
        case topics.owner:
            guard let claim = Claim(payload), claim.name != own.name else { return .nothing }
            guard isSettled else {
                retained = claim
                return .nothing
            }
            guard claim == asked || claim == other || claim.name < own.name else { return .claim }
            (asked, waits) = (nil, 0)
            return yield(claim)
        default: return .nothing
        }
    }

    /// Some seconds have passed since the connection was made, or since the last wait.
    package mutating func wait() -> Step {
        guard isSettled else { return settle() }
        if asked != nil {
            // Silence: the other one has gone.
            (other, asked, waits) = (nil, nil, 0)
            return .claim
        }
        guard let other else { return .nothing }
        waits += 1
        guard waits >= Self.mostWaits else { return .nothing }
        (asked, waits) = (other, 0)
        return .ask(other)
    }

    /// Nothing more comes of what was retained.
    private mutating func settle() -> Step {
        guard !isSettled else { return .nothing }
        isSettled = true
        guard let retained, wasOnline else { return .claim }
        asked = retained
        return .ask(retained)
    }

    private mutating func yield(_ claim: Claim) -> Step {
        let isNews = other != claim
        other = claim
        return isNews ? .yield(claim) : .nothing
    }
}
