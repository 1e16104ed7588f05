import Foundation
import Journal
import Matching
import Notify
import Testing

@Suite("Rate limits, quiet hours and catching up")
struct PacingTests {
    private let start = 1_800_000_000.0

    @Test("without limits everything is sent")
    func plain() throws {
        var pacing = Pacing(settings())
        for second in 0..<50 { #expect(try pacing.take(alert(match(at: start)), now: start + Double(second)) == .send) }
        #expect(pacing.kept == nil && pacing.nextLook(now: start) == nil)
    }

    @Test("past the limit alerts are kept, and the summary has every one of them")
    func limit() throws {
        var pacing = Pacing(settings { $0.limit = AlertLimit(alerts: 2, per: 600) })
        for number in 0..<2 {
            #expect(try pacing.take(alert(match(at: start)), now: start + Double(number)) == .send)
            pacing.sent(isSummary: false, now: start + Double(number))
        }
        for number in 0..<5 {
            let query = number < 3 ? "van" : "dog"
            #expect(try pacing.take(alert(match(query: query, at: start)), now: start + 100) == .kept)
        }
        #expect(!pacing.isDue(now: start + 599) && pacing.nextLook(now: start + 100) == start + 600)
        #expect(pacing.isDue(now: start + 600))
        #expect(try pacing.take(alert(match(at: start + 600)), now: start + 600) == .summaryFirst)
        #expect(pacing.kept?.alerts == 5 && pacing.kept?.groups.map(\.count) == [3, 2])
        #expect(pacing.kept?.reasons == [.limit])
        pacing.sent(isSummary: true, now: start + 600)
        #expect(pacing.kept == nil)
        // The summary is one of the two of the new time.
        #expect(try pacing.take(alert(match(at: start + 600)), now: start + 600) == .send)
        pacing.sent(isSummary: false, now: start + 600)
        #expect(try pacing.take(alert(match(at: start + 600)), now: start + 601) == .kept)
    }

    @Test("a limit goes on over a restart")
    func restart() throws {
        let limited = settings { $0.limit = AlertLimit(alerts: 2, per: 600) }
        var pacing = Pacing(limited, window: (start, 2))
        #expect(try pacing.take(alert(match(at: start + 10)), now: start + 10) == .kept)
        pacing = Pacing(limited, window: (start + 1000, 2))
        #expect(try pacing.take(alert(match(at: start)), now: start) == .send, "a clock that was set back")
    }

    @Test("quiet hours keep everything for one summary at their end")
    func quiet() throws {
        let rule = try ActiveHours.Rule(zone: "UTC", spans: [ActiveHours.Span("22:00-06:00")])
        var pacing = Pacing(settings { $0.quiet = ActiveHours([rule]) })
        // 2027-01-15 08:00:00 UTC, and midnight before it.
        let midnight = start - 8 * 3600
        #expect(try pacing.take(alert(match(at: midnight)), now: midnight) == .kept)
        #expect(try pacing.take(alert(match("end", at: midnight + 60)), now: midnight + 60) == .kept)
        let end = midnight + 6 * 3600
        #expect(pacing.nextLook(now: midnight + 60) == end)
        #expect(!pacing.isDue(now: end - 1) && pacing.isDue(now: end))
        #expect(pacing.kept?.alerts == 2 && pacing.kept?.reasons == [.quiet])
    }

    @Test("what is older than catch_up is counted, never silently left out")
    func late() throws {
        var pacing = Pacing(settings { $0.catchUp = 3600 })
        #expect(try pacing.take(alert(match(at: start - 3601)), now: start) == .kept)
        #expect(pacing.isDue(now: start))
        #expect(try pacing.take(alert(match(at: start - 3599)), now: start) == .summaryFirst)
        #expect(pacing.kept?.reasons == [.late] && pacing.kept?.alerts == 1)
    }

    @Test("numbers that the journal lost are in the summary")
    func lost() throws {
        var pacing = Pacing(settings())
        pacing.take(Hole(first: 5, last: 9, reason: .retention))
        #expect(pacing.isDue(now: start) && pacing.kept?.lost == 5 && pacing.kept?.first == 5 && pacing.kept?.last == 9)
    }

    @Test("a summary of many queries is bounded, and counts them all")
    func bounded() throws {
        let all = try alerts((0..<1000).map { match(query: "q\($0)", at: start + Double($0)) })
        var summary = AlertSummary(all[0], .limit)
        for alert in all.dropFirst() { summary.add(alert, .limit) }
        #expect(summary.groups.count == AlertSummary.mostGroups && summary.alerts == 1000)
        #expect(summary.groups.map(\.count).reduce(0, +) + summary.others == 1000)
        #expect(summary.times == start...(start + 999))
    }
}
