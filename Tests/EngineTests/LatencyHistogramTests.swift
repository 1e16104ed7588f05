import Measures
import Testing

@Suite("The latencies' histogram")
struct LatencyHistogramTests {
    @Test("gives the milliseconds that a share of the latencies does not exceed")
    func shares() {
        var histogram = LatencyHistogram()
        #expect(histogram.milliseconds(at: 0.99) == 0)
        for milliseconds in 1...1000 { histogram.add(seconds: Double(milliseconds) / 1000 - 1e-6) }
        #expect(histogram.count == 1000)
        #expect(histogram.milliseconds(at: 0.5) == 500 && histogram.milliseconds(at: 0.99) == 990)
        #expect(histogram.milliseconds(at: 1) == 1000)
    }

    @Test("counts what is before its time as nothing, and what takes too long as its most")
    func ends() {
        var histogram = LatencyHistogram()
        histogram.add(seconds: -3)
        histogram.add(seconds: 60)
        #expect(histogram.milliseconds(at: 0.5) == 0 && histogram.milliseconds(at: 1) == 10_000)
    }

    @Test("counts what has no end as its most, and leaves out what is no number")
    func noNumbers() {
        var histogram = LatencyHistogram()
        for seconds in [.infinity, 1e300, -.infinity, .nan, -1e300] { histogram.add(seconds: seconds) }
        #expect(histogram.count == 4)
        #expect(histogram.milliseconds(at: 0.5) == 0 && histogram.milliseconds(at: 0.75) == 10_000)
    }
}
