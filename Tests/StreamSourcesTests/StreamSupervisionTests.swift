import Concurrency
import Foundation
import StreamSources
import SystemSupport
import Testing

@Suite("Stream supervision")
struct StreamSupervisionTests {
    private typealias Heard = StreamSupervision.Heard
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func live(_ limits: StreamSupervision.Limits = .init(), chance: Double = 0) -> StreamSupervision {
        StreamSupervision(.live, limits: limits, at: start, chance: { chance })
    }

    @Test("a live source that fails again and again is opened after longer and longer pauses")
    func fails() {
        var supervision = live()
        var now = 0.0
        var pauses: [Double] = []
        #expect(supervision.begin(at: at(now)) == .open)
        for _ in 0..<7 {
            #expect(supervision.observe(.failed("refused"), at: at(now)) == .close)
            #expect(supervision.state == .backingOff("refused"))
            guard case .rest(let until) = supervision.observe(.closed, at: at(now)) else {
                Issue.record("it does not rest")
                return
            }
            // Too early: nothing happens.
            #expect(supervision.observe(.time, at: until - .milliseconds(1)) == .rest(until: until))
            pauses.append((until - at(now)) / .seconds(1))
            now = (until - start) / .seconds(1)
            #expect(supervision.observe(.time, at: until) == .open && supervision.state == .connecting)
        }
        #expect(pauses.map { $0.rounded() } == [1, 2, 4, 8, 16, 30, 30])
        #expect(supervision.counts.restarts == 7 && supervision.counts.failures == 7)
        #expect(supervision.counts.stalls == 0 && supervision.counts.changes == 14)
    }

    @Test("after stable play the first pause is short again; after short play it is not")
    func resets() {
        var supervision = live()
        var now = start
        func pause(playing seconds: Double) -> Double {
            _ = supervision.observe(.picture, heard: Heard(anything: now, picture: now), at: now)
            #expect(supervision.state == .playing)
            now += .seconds(seconds)
            _ = supervision.observe(.ended, at: now)
            guard case .rest(let until) = supervision.observe(.closed, at: now) else { return -1 }
            defer { now = until }
            _ = supervision.observe(.time, at: until)
            return (until - now) / .seconds(1)
        }
        _ = supervision.begin(at: now)
        #expect([pause(playing: 1), pause(playing: 1), pause(playing: 29), pause(playing: 30)] == [1, 2, 4, 1])
    }

    @Test("a source that accepts the connection and sends nothing is given up, and opened again")
    func neverDelivers() {
        var supervision = live()
        _ = supervision.begin(at: start)
        #expect(supervision.observe(.time, at: at(0)) == .watch(until: at(10)))
        #expect(supervision.observe(.time, at: at(9.9)) == .watch(until: at(10)))
        #expect(supervision.observe(.time, at: at(10)) == .close)
        #expect(supervision.state == .stalled("nothing has come within 10 s of connecting"))
        #expect(supervision.observe(.closed, at: at(11)) == .rest(until: at(12)))
        #expect(supervision.state == .backingOff("nothing has come within 10 s of connecting"))
        #expect(supervision.observe(.time, at: at(12)) == .open)
        #expect(supervision.counts.stalls == 1 && supervision.counts.failures == 0)
    }

    @Test("a source that stops sending is given up so long after the last it sent, however often one looks")
    func stalls() {
        var limits = StreamSupervision.Limits()
        limits.stall = .seconds(2.5)
        var supervision = live(limits)
        _ = supervision.begin(at: start)
        let first = Heard(anything: at(1), picture: at(1))
        #expect(supervision.observe(.picture, heard: first, at: at(1)) == .watch(until: at(3.5)))
        let later = Heard(anything: at(3), picture: at(3))
        #expect(supervision.observe(.time, heard: later, at: at(3.5)) == .watch(until: at(5.5)))
        #expect(supervision.state == .playing)
        #expect(supervision.observe(.time, heard: later, at: at(5.5)) == .close)
        #expect(supervision.state == .stalled("nothing has come for 2.5 s"))
    }

    @Test("units that are left out are a sign of life; without any picture of them they are not for ever")
    func blind() {
        var supervision = live()
        _ = supervision.begin(at: start)
        _ = supervision.observe(.picture, heard: Heard(anything: at(1), picture: at(1)), at: at(1))
        for second in 2...60 {
            let heard = Heard(anything: at(Double(second)), picture: at(1))
            #expect(supervision.observe(.time, heard: heard, at: at(Double(second))) != .close)
        }
        #expect(supervision.observe(.time, heard: Heard(anything: at(61), picture: at(1)), at: at(61)) == .close)
        #expect(supervision.state == .stalled("data comes, but no picture for 60 s"))
        // Where only keyframes are asked for, they may be as rare as they like.
        var limits = StreamSupervision.Limits()
        limits.blind = nil
        var patient = live(limits)
        _ = patient.begin(at: start)
        #expect(patient.observe(.time, heard: Heard(anything: at(5000)), at: at(5000)) == .watch(until: at(5010)))
    }

    @Test("pictures of which none is sampled are no progress, however many come; samples as rare as asked for are")
    func unsampled() {
        var limits = StreamSupervision.Limits()
        limits.interval = .seconds(0.25)
        var supervision = live(limits)
        _ = supervision.begin(at: start)
        func heard(_ second: Double, since: Double?) -> Heard {
            Heard(anything: at(second), picture: at(second), unsampled: since.map(at))
        }
        #expect(supervision.observe(.picture, heard: heard(1, since: 1), at: at(1)) == .watch(until: at(11)))
        for second in 2...60 {
            let since = Double(second) - 0.1
            let now = Double(second)
            #expect(supervision.observe(.time, heard: heard(now, since: since), at: at(now)) != .close)
        }
        #expect(supervision.observe(.time, heard: heard(70, since: 60), at: at(70)) == .watch(until: at(70.75)))
        #expect(supervision.observe(.time, heard: heard(70.7, since: 60), at: at(70.75)) == .close)
        #expect(
            supervision.state == .stalled("pictures come, but none was due for 10.8 s: their time stamps stand still"))
        // A frame every twenty seconds.
        limits.interval = .seconds(20)
        var rare = live(limits)
        _ = rare.begin(at: start)
        _ = rare.observe(.picture, heard: heard(1, since: nil), at: at(1))
        #expect(rare.observe(.time, heard: heard(69, since: 1), at: at(69)) != .close)
    }

    @Test("a server that asks for a pause gets it, once, and none that is shorter than the stream's own")
    func asksForPause() {
        for (asked, pause) in [(7.0, 7.0), (0.2, 1)] {
            var supervision = live()
            _ = supervision.begin(at: start)
            #expect(supervision.observe(.busy("busy", .seconds(asked)), at: at(0)) == .close)
            #expect(supervision.observe(.closed, at: at(0)) == .rest(until: at(pause)))
            #expect(supervision.observe(.time, at: at(pause)) == .open)
            _ = supervision.observe(.failed("busy"), at: at(pause))
            #expect(supervision.observe(.closed, at: at(pause)) == .rest(until: at(pause + 2)))
        }
    }

    @Test(
        "Retry-After is seconds or a moment, and no longer than five minutes",
        arguments: [
            ("7", 7.0), (" 120 ", 120), ("0", 0), ("99999999999999999999", 300), ("86400", 300),
            ("Thu, 01 Jan 1970 00:01:40 GMT", 100), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("soon", nil), ("-1", nil),
        ] as [(String, Double?)])
    func retryAfter(header: String, seconds: Double?) {
        #expect(RetryAfter.seconds(header, now: Date(timeIntervalSince1970: 0)) == seconds)
    }

    @Test("a film that turns out to have no end is a camera from then on, and stays one")
    func turnsOut() {
        for source in [StreamSupervision.Source.remote, .file] {
            var supervision = StreamSupervision(source, at: start, chance: { 0 })
            _ = supervision.begin(at: start)
            let heard = Heard(anything: at(1), picture: at(1))
            #expect(supervision.observe(.picture, heard: heard, at: at(1)) == .watch(until: nil))
            #expect(supervision.observe(.live, heard: heard, at: at(1)) == .watch(until: at(11)))
            #expect(supervision.observe(.time, heard: heard, at: at(11)) == .close)
            #expect(supervision.state == .stalled("nothing has come for 10 s"))
            #expect(supervision.observe(.closed, at: at(11)) == .rest(until: at(12)))
            #expect(supervision.observe(.time, at: at(12)) == .open)
            #expect(supervision.observe(.ended, at: at(13)) == .close)
            #expect(supervision.state == .backingOff("the source ended"))
        }
    }

    @Test("a file is never given up, and ends or fails for good")
    func file() {
        for (observation, state) in [
            (StreamSupervision.Observation.ended, SourceState.ended), (.failed("broken"), .failed("broken")),
        ] {
            var supervision = StreamSupervision(.file, at: start)
            _ = supervision.begin(at: start)
            #expect(supervision.observe(.time, at: at(1e6)) == .watch(until: nil))
            #expect(supervision.observe(.picture, heard: Heard(anything: at(1e6)), at: at(1e6)) == .watch(until: nil))
            #expect(supervision.observe(observation, at: at(2e6)) == .close)
            #expect(supervision.observe(.closed, at: at(2e6)) == .finish && supervision.state == state)
            #expect(supervision.counts.restarts == 0)
        }
    }

    @Test("a film on another machine is opened again when it fails, never given up, and may end")
    func remote() {
        var supervision = StreamSupervision(.remote, at: start, chance: { 0 })
        _ = supervision.begin(at: start)
        #expect(supervision.observe(.failed("refused"), at: at(1)) == .close)
        #expect(supervision.state == .backingOff("refused"))
        #expect(supervision.observe(.closed, at: at(1)) == .rest(until: at(2)))
        #expect(supervision.observe(.time, at: at(2)) == .open && supervision.counts.restarts == 1)
        #expect(supervision.observe(.picture, heard: Heard(anything: at(3)), at: at(3)) == .watch(until: nil))
        #expect(supervision.observe(.time, heard: Heard(anything: at(3)), at: at(1e6)) == .watch(until: nil))
        #expect(supervision.observe(.ended, at: at(1e6)) == .close)
        #expect(supervision.observe(.closed, at: at(1e6)) == .finish && supervision.state == .ended)
    }

    @Test("what a source still says while it is torn down changes nothing")
    func lateNews() {
        var supervision = live()
        _ = supervision.begin(at: start)
        _ = supervision.observe(.failed("first"), at: at(1))
        for late in [StreamSupervision.Observation.picture, .ended, .failed("second"), .time] {
            #expect(supervision.observe(late, at: at(2)) == .close && supervision.state == .backingOff("first"))
        }
        #expect(supervision.observe(.closed, at: at(2)) == .rest(until: at(3)))
        #expect(supervision.observe(.picture, at: at(2.5)) == .rest(until: at(3)))
        #expect(supervision.counts.failures == 1)
    }

    @Test("whatever happens in whatever order, every change is counted and no state is skipped")
    func anyOrder() {
        var random = SystemRandomNumberGenerator()
        let allowed: [String: Set<String>] = [
            "connecting": ["playing", "stalled", "backing-off"], "playing": ["stalled", "backing-off"],
            "stalled": ["backing-off"], "backing-off": ["connecting"],
        ]
        var supervision = live(chance: 0.3)
        var now = start
        var step = supervision.begin(at: now)
        var (state, changes) = (supervision.state, UInt64(0))
        var heard = Heard()
        for _ in 0..<20_000 {
            now += .milliseconds(Int.random(in: 0...4000, using: &random))
            if Bool.random(using: &random) { heard = Heard(anything: now, picture: now) }
            let all: [StreamSupervision.Observation] = [.time, .time, .picture, .ended, .failed("x"), .closed]
            step = supervision.observe(all.randomElement(using: &random) ?? .time, heard: heard, at: now)
            if step == .open { heard = Heard() }
            if supervision.state != state {
                changes += 1
                #expect(allowed[state.word]?.contains(supervision.state.word) == true, "\(state) \(supervision.state)")
                state = supervision.state
            }
            #expect(step != .finish)
        }
        #expect(supervision.counts.changes == changes && supervision.counts.restarts > 100)
    }
}
