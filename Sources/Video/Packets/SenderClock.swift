/// Computes each picture's time from its RTP time stamp and its arrival, exactly as GStreamer's `rtpjitterbuffer` does.
///
/// The difference between a picture's arrival and its time stamp contains the network's delay and the drift of the
/// sender's clock. The least difference within two seconds has the least delay, and shows the drift (Fober, Orlarey and
/// Letz, "Real Time Clock Skew Estimation over Network Delays"). A jump by more than a second means a restarted sender.
package struct SenderClock {
    private static let maxWindow = 512
    private static let maxTime: UInt64 = 2_000_000_000
    private static let maxLeap: Int64 = 1_000_000_000

    private let rate: UInt64
    /// The most by which a picture may arrive late, in nanoseconds; a later one means that the sender has paused.
    private let delay: UInt64
    /// The newest RTP time stamp, extended from 32 to 64 bits so that it does not wrap.
    private var extended: UInt64?
    private var last: UInt64?
    /// The arrival time, and next to it the sender's time, at the last synchronization; both in nanoseconds.
    private var base: UInt64?
    private var senderBase: UInt64?
    private var isToResync = true
    private var skew: Int64 = 0
    private var window: [Int64] = []
    private var place = 0
    private var isFilling = true
    private var least: Int64 = 0
    private var given: UInt64?
    private var sent: UInt64?

    package init(rate: UInt32, delay: UInt64 = 200_000_000) {
        self.rate = UInt64(max(rate, 1))
        self.delay = delay
    }

    /// Returns the time of the picture with RTP time stamp `stamp`, in nanoseconds; nil before the first known arrival.
    ///
    /// `arrival` is the time of its first packet, or nil if unknown; `hasGap` says that packets before it are missing.
    package mutating func time(_ stamp: UInt32, arrival: UInt64?, hasGap: Bool = false) -> UInt64? {
        let counted = count(stamp)
        if last == counted { return given }
        last = counted
        let sender = scaled(counted)
        if let senderBase, sender < senderBase { isToResync = true }
        if isToResync, let arrival { resync(arrival, sender, isWhole: false) }
        var hasGap = hasGap
        var time = skewed(sender, arrival, &hasGap)
        let step = sender &- (senderBase ?? 0)
        if let now = time, let given, let sent {
            let isBackwards = step > sent && now < given || step < sent && now > given
            if isBackwards || step == sent { time = given }
        }
        if !hasGap, let arrival, let now = time, now &+ delay < arrival {
            begin()
            resync(arrival, sender, isWhole: true)
            time = arrival
        }
        given = time
        sent = sender &- (senderBase ?? 0)
        return time
    }

    private mutating func count(_ stamp: UInt32) -> UInt64 {
        guard let before = extended else {
            extended = UInt64(stamp)
            return UInt64(stamp)
        }
        var now = UInt64(stamp) + before & ~0xFFFF_FFFF
        if now < before {
            if before - now > 0x7FFF_FFFF { now += 1 << 32 }
        } else if now - before > 0x7FFF_FFFF {
            // A time stamp from before the first one cannot be extended.
            guard now >= 1 << 32 else { return 0 }
            now -= 1 << 32
            return now
        }
        extended = now
        return now
    }

    /// Converts ticks of the sender's RTP clock to nanoseconds.
    private func scaled(_ ticks: UInt64) -> UInt64 {
        let (high, low) = ticks.multipliedFullWidth(by: 1_000_000_000)
        guard high < rate else { return .max }
        return rate.dividingFullWidth((high, low)).quotient
    }

    private mutating func begin() {
        (extended, last, base, senderBase, given, sent) = (nil, nil, nil, nil, nil, nil)
        emptyWindow()
        isToResync = true
    }

    private mutating func emptyWindow() {
        window.removeAll(keepingCapacity: true)
        (place, isFilling, least, skew) = (0, true, 0, 0)
    }

    private mutating func resync(_ arrival: UInt64, _ sender: UInt64, isWhole: Bool) {
        (base, senderBase, given, sent) = (arrival, sender, nil, nil)
        if isWhole { emptyWindow() }
        isToResync = false
    }

    private mutating func skewed(_ sender: UInt64, _ arrival: UInt64?, _ hasGap: inout Bool) -> UInt64? {
        guard let base else { return nil }
        var passed = sender &- (senderBase ?? 0)
        if let arrival {
            var difference = Int64(bitPattern: arrival &- base) &- Int64(bitPattern: passed)
            if (difference &- skew).magnitude > UInt64(Self.maxLeap) {
                resync(arrival, sender, isWhole: true)
                (passed, difference, hasGap) = (0, 0, false)
            }
            if !hasGap { learn(difference, passed) }
        }
        let time = (self.base ?? base) &+ passed
        if skew < 0, time < skew.magnitude { return 0 }
        return time &+ UInt64(bitPattern: skew)
    }

    private mutating func learn(_ difference: Int64, _ passed: UInt64) {
        if isFilling {
            window.append(difference)
            if window.count == 1 || difference < least { least = difference }
            guard passed < Self.maxTime, window.count < Self.maxWindow else {
                (skew, isFilling, place) = (least, false, 0)
                return
            }
            let share = Int64(max(passed * 100 / Self.maxTime, UInt64(window.count * 100 / Self.maxWindow)))
            skew = (share * share &* least &+ (10_000 - share * share) &* skew) / 10_000
            return
        }
        let old = window[place]
        window[place] = difference
        if difference <= least {
            least = difference
        } else if old == least {
            least = window.contains(old) ? old : window.min() ?? difference
        }
        skew = (least &+ 124 &* skew) / 125
        place = (place + 1) % window.count
    }
}
