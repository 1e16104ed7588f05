import Sampling
import Testing

@Suite("How late pictures come")
struct ArrivalLagTests {
    private let start = ContinuousClock.now

    @Test("lag is arrival against the pictures' own time, from the best since the beginning")
    func lag() {
        var lag = ArrivalLag()
        func observe(_ media: Double, _ arrival: Double, begins: Bool = false) -> Double {
            lag.observe(mediaTime: media, at: start + .seconds(arrival), begins: begins)
            return (lag.seconds * 1000).rounded() / 1000
        }
        #expect(observe(100, 50, begins: true) == 0)
        #expect(observe(101, 51) == 0)
        // A burst: what comes sooner than it was made is the best from then on.
        #expect(observe(103, 51.5) == 0)
        #expect(observe(104, 54) == 1.5)
        #expect(observe(104, 56) == 3.5)
        #expect(observe(5, 57, begins: true) == 0)
    }
}
