import DequeModule
package import Pixels
package import Sampling
import Synchronization

/// A ring of one stream's last coded pictures (units), in memory and limited in bytes.
///
/// Clips and live viewers read it by the pictures' numbers. A streaming thread adds pictures and never waits for
/// readers: a reader that is too slow misses pictures.
package final class UnitRing: UnitTaker {
    /// A coded picture with its number in the ring, and the number of its session, one opening of the source.
    package struct Numbered: Sendable {
        package let number: UInt64
        package let session: Int
        package let unit: CodedUnit
    }

    /// A small decoded picture of a stream whose coding is not recorded, with its number, and its time in seconds since
    /// 1970.
    struct Still {
        let number: UInt64
        let at: Double
        let picture: Preview
    }

    /// The result of a read: coded pictures, and whether earlier ones are missing.
    package struct Reading: Sendable {
        package var units: [Numbered] = []
        /// True if pictures between the requested number and the first returned one have left the ring.
        package var hasGap = false
    }

    private struct State {
        var units: Deque<Numbered> = []
        var bytes = 0
        var next: UInt64 = 1
        var session = 0
        var format: CodedFormat?
        var refused: String?
        /// The greatest number of bytes that are kept for clips; nil if the stream's events have no clips.
        var kept: Int?
        var stills: Deque<Still> = []
        var stillBytes = 0
        var nextStill: UInt64 = 1
        /// The number of callers that may soon watch the video, from its newest keyframe on (`expect`).
        var waiting = 0
        var listeners: [Int: @Sendable () -> Void] = [:]
        var nextListener = 0
    }

    private let state = Mutex(State())
    /// True if coded pictures are wanted at all; streaming threads read it before anything else.
    private let wanted = Atomic(false)
    /// The bytes of memory that a coded picture takes in addition to its data, as an estimate.
    private static let overhead = 160
    /// The greatest number of bytes that are kept while somebody listens and nothing is kept for clips.
    private static let passing = 4_000_000
    /// The greatest number of bytes since the newest keyframe that are kept while the video may soon be watched.
    private static let soon = 2_000_000

    /// Makes an empty ring; `bytes` is the greatest number of bytes that it keeps for clips, nil for no clips.
    ///
    /// The memory that each picture takes besides its data is included.
    package init(bytes: Int? = nil) { keep(bytes) }

    /// Keeps up to `bytes` bytes for clips from now on; with nil, only what listeners and expected viewers need.
    package func keep(_ bytes: Int?) {
        state.withLock { state in
            state.kept = bytes
            settle(&state)
        }
    }

    /// Removes the oldest pictures until the limits hold, and updates `wanted`.
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

    /// Removes the pictures before the newest keyframe, which nobody needs.
    ///
    /// Without a keyframe it removes all, because they could not be shown.
    private func holdNewestGroup(_ state: inout State) {
        if state.units.first?.unit.isKeyframe == true, state.units.last?.unit.isKeyframe == false { return }
        let newest = state.units.lastIndex { $0.unit.isKeyframe } ?? state.units.endIndex
        for held in state.units[..<newest] { state.bytes -= held.unit.bytes.count + Self.overhead }
        state.units.removeSubrange(..<newest)
    }

    /// Counts a caller that may soon watch the video (`isMore`), or one that no longer may.
    ///
    /// While there is one, the pictures since the newest keyframe are kept.
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

    /// Adds a sampled picture, if the stream's events have clips and its coding is not recorded; `time` is in seconds
    /// since 1970.
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

    /// The least number of seconds between two small pictures, their size in pixels, and the greatest number of bytes
    /// of all.
    ///
    /// A larger picture is halved until its longer side is at most `stillSide`.
    private static let (leastApart, stillSide, mostStills) = (0.5, 320, 8_000_000)

    // MARK: Reading

    /// True if it is known that the stream's coding is not recorded: it was refused, or pictures came without coded
    /// ones.
    ///
    /// It is false at the beginning of a session, before either is known.
    package var isUnrecorded: Bool {
        state.withLock { state in
            state.format == nil && (state.refused != nil || !state.stills.isEmpty && state.units.isEmpty)
        }
    }

    /// Returns the small pictures whose number is at least `number`.
    func stills(from number: UInt64) -> [Still] {
        state.withLock { Array($0.stills.drop { still in still.number < number }) }
    }

    /// Returns the newest keyframe at or before a time in seconds since 1970; if there is none, the oldest keyframe.
    ///
    /// Only keyframes of the newest session are considered; nil if the ring has none.
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

    /// Returns the first keyframe whose number is at least `number`, of any session; nil if there is none.
    package func keyframe(from number: UInt64) -> Numbered? {
        state.withLock { state in
            guard let first = state.units.first?.number else { return nil }
            let start = number > first ? Int(min(number - first, UInt64(state.units.count))) : 0
            return state.units[start...].first { $0.unit.isKeyframe }
        }
    }

    /// The newest keyframe of the newest session; nil if the ring has none.
    package var newestKeyframe: Numbered? { keyframe(before: .infinity) }

    /// Returns the coded pictures whose number is at least `number`, at most `most` of them.
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

    /// Calls `tell` on the streaming thread after each coded picture, until the returned number is given to
    /// `stopListening`.
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
    /// The stream's codec, "H.264" or "H.265"; nil until it is known.
    package let codec: String?
    package let width: Int?
    package let height: Int?
    package let seconds: Double
    package let bytes: Int
    /// True if the stream's events have clips.
    package let clips: Bool
    /// The reason why the stream's coding is not recorded; nil if it is, or if that is not known yet.
    package let problem: String?
}
