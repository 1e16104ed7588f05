import Foundation

/// The position of a notifier, as it is saved in the journal's file.
package struct NotifierPlace: Codable, Sendable, Equatable {
    /// The reason why a notifier has stopped sending.
    package enum End: String, Codable, Sendable {
        /// The receiver answered 410.
        case gone
        /// Nothing could be delivered for three days.
        case dead
    }

    /// The number up to which every message is delivered, counted in a summary, or filtered out.
    package var seq: Int64
    /// The journal that the number belongs to.
    package var journal: String
    /// A fingerprint of the notifier's target.
    package var target: String
    /// The start of the limit's current period, in seconds since 1970; `windowSent` counts the messages in it.
    package var windowStart = 0.0
    package var windowSent = 0
    /// The time since which nothing could be delivered, in seconds since 1970; nil after a success.
    package var failingSince: Double?
    package var end: End?
    /// Sensors that are on by what was delivered.
    package var on: [SensorKey]?
    /// Whether some of these may have ended in messages that are not to be read any more.
    package var isUnsure: Bool?

    package init(seq: Int64, journal: String, target: String) {
        self.seq = seq
        self.journal = journal
        self.target = target
    }

    /// Finds the position in the current journal, which may be another one by now.
    ///
    /// A new notifier begins at the newest number.
    ///
    /// `note` is a remark for the log.
    static func found(_ data: Data?, _ log: any NotifyLog, target: String) -> (place: NotifierPlace, note: String?) {
        guard let data, var place = try? JSONDecoder().decode(NotifierPlace.self, from: data) else {
            let place = NotifierPlace(seq: log.newest, journal: log.identity, target: target)
            return (place, data == nil ? nil : "its place could not be read; it begins at the newest message")
        }
        var note: String?
        let known = place
        if place.target != target {
            // Another receiver: the old one's refusals are not its own.
            (place.target, place.end, place.failingSince) = (target, nil, nil)
        }
        if place.journal != log.identity {
            if let common = log.common(with: place.journal) {
                place.seq = min(place.seq, common)
            } else {
                place.seq = log.newest
                note = "the journal is another one; it begins at the newest message"
            }
            place.journal = log.identity
        }
        if place.seq > log.newest {
            place.seq = log.newest
            note = "its place was beyond the journal's end; it begins at the newest message"
        }
        if place.on != nil, (place.journal, place.seq) != (known.journal, known.seq) { place.isUnsure = true }
        return (place, note)
    }
}
