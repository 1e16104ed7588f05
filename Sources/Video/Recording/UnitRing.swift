import DequeModule
package import Pixels
package import Sampling
import Synchronization

/// The last coded units of one stream, in memory, within a bound of bytes; clips and live viewers read them by number.
///
/// A streaming thread adds and never waits for readers; one that is too slow finds its units gone.
package final class UnitRing: UnitTaker {
    /// A unit, its number in the ring, and the session that it came in.
    package struct Numbered: Sendable {
        package let number: UInt64
        package let session: Int
        package let unit: CodedUnit
    }

    /// A small picture of a stream whose coding is not recorded, its number, and when it was, in seconds since 1970.
    struct Still {
        let number: UInt64
        let at: Double
        let picture: Preview
    }

    /// The answer to a reading: units, and whether some are gone.
    package struct Reading: Sendable {
        package var units: [Numbered] = []
        /// Whether units between the asked number and these are gone.
        package var hasGap = false
    }

    private struct State {
        var units: Deque<Numbered> = []
        var bytes = 0
        var next: UInt64 = 1
        var session = 0
        var format: CodedFormat?
        var refused: String?
        /// Bytes that are kept for clips; nil where there are none.
        var kept: Int?
        var stills: Deque<Still> = []
        var stillBytes = 0
        var nextStill: UInt64 = 1
        /// How many may soon want the video, from its newest keyframe on.
        var waiting = 0
        var listeners: [Int: @Sendable () -> Void] = [:]
        var nextListener = 0
    }

    private let state = Mutex(State())
    /// Whether units are kept or listened to; read on streaming threads before anything else.
    private let wanted = Atomic(false)
    /// Bytes that a unit takes besides its own.
    private static let overhead = 160
    /// Bytes that are held, at most, while somebody listens and nothing is kept.
    private static let passing = 4_000_000
    /// Bytes since the newest keyframe that are held, at most, for those who may soon want the video.
    private static let soon = 2_000_000

    /// `bytes`: most of what is kept, with what units take besides their own; nil keeps nothing.
    package init(bytes: Int? = nil) { keep(bytes) }

    /// Keeps so many bytes from now on; nil keeps nothing but what is listened to.
    package func keep(_ bytes: Int?) {
        state.withLock { state in
            state.kept = bytes
            settle(&state)
        }
    }

    /// Holds to the bounds, and says whether units are wanted.
    private func settle(_ state: inout State) {
        let isWanted = state.kept != nil || !state.listeners.isEmpty || state.waiting > 0
        wanted.store(isWanted, ordering: .relaxed)
        let isForSoon = state.kept == nil && state.listeners.isEmpty && state.waiting > 0
        let limit = state.kept ?? (isForSoon ? Self.soon : isWanted ? Self.passing : 0)
        while state.bytes > limit, let oldest = state.units.popFirst() {
            state.bytes -= oldest.unit.bytes.count + Self.overhead
        }
        let room = state.format == nil ? min(state.kept ?? 0, Self.mostStills) : 0
        while state.stillBytes > room, let oldest = state.stills.popFirst() {
            state.stillBytes -= oldest.picture.rgb.count
        }
        if isForSoon { holdNewestGroup(&state) }
    }

    /// Drops the units before the newest keyframe, and all units while there is no keyframe: they could not be shown.
    private func holdNewestGroup(_ state: inout State) {
        if state.units.first?.unit.isKeyframe == true, state.units.last?.unit.isKeyframe == false { return }
        let newest = state.units.lastIndex { $0.unit.isKeyframe } ?? state.units.endIndex
        for held in state.units[..<newest] { state.bytes -= held.unit.bytes.count + Self.overhead }
        state.units.removeSubrange(..<newest)
    }

    /// Counts one more, or one less, who may soon want the video; the units since the newest keyframe are then held.
    package func expect(_ isMore: Bool) {
        state.withLock { state in
            state.waiting += isMore ? 1 : -1
            settle(&state)
        }
    }

    // MARK: Writing

    package var isWanted: Bool { wanted.load(ordering: .relaxed) }

    package func beginSession() -> Int {
        state.withLock {
            $0.session += 1
            ($0.format, $0.refused) = (nil, nil)
            return $0.session
        }
    }

    package func learn(_ format: CodedFormat, of session: Int) {
        state.withLock { state in
            guard session == state.session else { return }
            state.format = format
            settle(&state)
        }
    }

    package func take(_ unit: CodedUnit, of session: Int) {
        let told = state.withLock { state -> [Int: @Sendable () -> Void] in
            guard session == state.session, wanted.load(ordering: .relaxed) else { return [:] }
            state.units.append(Numbered(number: state.next, session: session, unit: unit))
            state.next += 1
            state.bytes += unit.bytes.count + Self.overhead
            settle(&state)
            return state.listeners
        }
        for tell in told.values { tell() }
    }

    package func refuse(_ kind: String, of session: Int) {
        state.withLock { if session == $0.session { $0.refused = kind } }
    }

    /// Takes a sampled picture, if the stream's events have clips and its coding is not recorded.
    package func see(_ picture: Preview, at time: Double) {
        let isWanted = state.withLock { state in
            guard state.kept != nil, state.format == nil else { return false }
            return state.stills.last.map { !(0..<Self.leastApart).contains(time - $0.at) } ?? true
        }
        guard isWanted else { return }
        let small = picture.atMost(Self.stillSide)
        state.withLock { state in
            state.stills.append(Still(number: state.nextStill, at: time, picture: small))
            state.nextStill += 1
            state.stillBytes += small.rgb.count
            settle(&state)
        }
    }

    /// Seconds between two pictures that are held, their longer side, unless it is less than half of that too long, and
    /// the bytes of all, at most.
    private static let (leastApart, stillSide, mostStills) = (0.5, 320, 8_000_000)

    // MARK: Reading

    /// Whether it is known that the stream's coding is not recorded: it was refused, or pictures come without units.
    ///
    /// Before a session's first unit neither is known.
    package var isUnrecorded: Bool {
        state.withLock { state in
            state.format == nil && (state.refused != nil || !state.stills.isEmpty && state.units.isEmpty)
        }
    }

    /// The pictures from a number on.
    func stills(from number: UInt64) -> [Still] {
        state.withLock { Array($0.stills.drop { still in still.number < number }) }
    }

    /// The newest keyframe at or before a moment in seconds since 1970, or else the oldest one; none of an earlier
    /// session.
    package func keyframe(before time: Double) -> Numbered? {
        state.withLock { state in
            var found: Numbered?
            for held in state.units.reversed() {
                guard held.session == state.session else { break }
                guard held.unit.isKeyframe else { continue }
                found = held
                if held.unit.at <= time { break }
            }
            return found
        }
    }

    /// The first keyframe from a number on, of any session.
    package func keyframe(from number: UInt64) -> Numbered? {
        state.withLock { state in
            guard let first = state.units.first?.number else { return nil }
            let start = number > first ? Int(min(number - first, UInt64(state.units.count))) : 0
            return state.units[start...].first { $0.unit.isKeyframe }
        }
    }

    /// The newest keyframe of this session.
    package var newestKeyframe: Numbered? { keyframe(before: .infinity) }

    /// The units from a number on, at most so many.
    package func units(from number: UInt64, most: Int) -> Reading {
        state.withLock { state in
            guard let first = state.units.first?.number else {
                return Reading(hasGap: number < state.next)
            }
            let start = number > first ? Int(min(number - first, UInt64(state.units.count))) : 0
            return Reading(
                units: Array(state.units[start..<min(start + most, state.units.count)]), hasGap: number < first)
        }
    }

    /// Calls `tell` on the streaming thread for each unit, until the result is given to `stopListening`.
    package func listen(_ tell: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = tell
            settle(&state)
            return state.nextListener
        }
    }

    package func stopListening(_ listener: Int) {
        state.withLock { state in
            state.listeners[listener] = nil
            settle(&state)
        }
    }

    // MARK: Status

    package var status: RingStatus {
        state.withLock { state in
            let (first, last) = (state.units.first?.unit, state.units.last?.unit)
            let seconds = first.flatMap { first in last.map { max(0, $0.arrival - first.arrival) } } ?? 0
            return RingStatus(
                codec: state.format?.codec.rawValue, width: state.format?.width, height: state.format?.height,
                seconds: (seconds * 10).rounded() / 10, bytes: state.bytes + state.stillBytes, clips: state.kept != nil,
                problem: state.refused.map {
                    "\($0) is not recorded: clips are of H.264 and H.265; events have a strip of pictures"
                })
        }
    }
}

/// The state of a stream's ring.
package struct RingStatus: Codable, Sendable, Equatable {
    /// "H.264" or "H.265"; nil before the first unit.
    package let codec: String?
    package let width: Int?
    package let height: Int?
    package let seconds: Double
    package let bytes: Int
    /// Whether the stream's events have clips.
    package let clips: Bool
    /// Why nothing is recorded; nil if something is, or nothing has come yet.
    package let problem: String?
}
