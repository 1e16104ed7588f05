import Benchmarking
import Testing

@Suite("What restarts leave behind")
struct RestartReportTests {
    private func sample(_ restarts: Int, _ megabytes: Double) -> RestartReport.Sample {
        .init(restarts: restarts, rss_mb: megabytes, threads: 10, files: 20)
    }

    @Test("growth is the slope after the first tenth, in which caches fill")
    func slope() {
        // 40 MB more in the first tenth, then 0.05 MB a restart: 50 MB for 1,000.
        let samples = [sample(10, 100), sample(20, 140)] + (3...20).map { sample($0 * 10, 140 + Double($0) * 0.5) }
        let report = RestartReport(restarts: 200, seconds: 1, played: 200, abandoned: 0, samples: samples)
        #expect(abs(report.mb_per_1000_restarts - 50) < 1e-6)
    }

    @Test("too few samples for a slope give 0, not a number that is none", arguments: [0, 1])
    func few(_ count: Int) {
        let samples = (0..<count).map { sample(5 + $0, 100) }
        let report = RestartReport(restarts: 5, seconds: 1, played: 5, abandoned: 0, samples: samples)
        #expect(report.mb_per_1000_restarts == 0)
    }
}
