import Foundation

/// How far a notifier has come, as it is kept in the journal's file.
package struct NotifierPlace: Codable, Sendable, Equatable {
    /// Why a notifier sends no more.
    package enum End: String, Codable, Sendable {
        /// The receiver answered 410.
        case gone
        /// Nothing could be delivered for three days.
        case dead
    }

    /// Everything up to this number is delivered, counted in a summary, or not for this notifier.
    package var seq: Int64
    /// The journal that the number is of.
    package var journal: String
    /// What tells its target from another.
    package var target: String
    /// Start of the limit's present time, in seconds since 1970, and messages sent in it.
    package var windowStart = 0.0
    package var windowSent = 0
    /// Since when nothing could be delivered, in seconds since 1970; nil if the last attempt went well.
    package var failingSince: Double?
    package var end: End?
    /// Sensors that are on by what was delivered.
    package var on: [SensorKey]?

    package init(seq: Int64, journal: String, target: String) {
        self.seq = seq
        self.journal = journal
        self.target = target
    }

    /// Its place in a journal that may be another one by now; a new notifier begins at the newest number.
    ///
    /// `note`: what was found, for the log.
    static func found(_ data: Data?, _ log: any NotifyLog, target: String) -> (place: NotifierPlace, note: String?) {
        guard let data, var place = try? JSONDecoder().decode(NotifierPlace.self, from: data) else {
            let place = NotifierPlace(seq: log.newest, journal: log.identity, target: target)
            return (place, data == nil ? nil : "its place could not be read; it begins at the newest message")
        }
        var note: String?
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
        return (place, note)
    }
}
