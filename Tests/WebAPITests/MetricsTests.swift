import Daemon
import Foundation
import Measures
import TestSupport
import Testing
import WebAPI
import WireFormat

@Suite("Metrics", .serialized)
struct MetricsTests {
    @Test("whatever stands in labels and help, Prometheus reads it as it was")
    func escaping() async throws {
        let nasty = "a\\b\"c\nd{e=\"f\"},ä 🦊\\n"
        var page = Exposition()
        page.family(.counter, "x_total", "back\\slash\nnew line", [([("label", nasty), ("other", "")], 5)])
        page.value(.gauge, "y", "", -1.5)
        page.value(.gauge, "z", "", .infinity)
        var histogram = Histogram(bounds: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 7, .nan] { histogram.add(value) }
        page.histograms("h", "help", [([("stage", "s")], histogram)])
        let read = try await samples(page.text)
        let x = try #require(read.first { $0.name == "x_total" })
        #expect(x.labels == ["label": nasty, "other": ""] && x.number == 5 && x.help == "back\\slash\nnew line")
        #expect(read.first { $0.name == "y" }?.number == -1.5 && read.first { $0.name == "z" }?.number == .infinity)
        let buckets = read.filter { $0.name == "h_bucket" }
        #expect(buckets.map { $0.labels["le"] } == ["0.1", "1", "+Inf"] && buckets.map(\.number) == [2, 3, 4])
        #expect(read.first { $0.name == "h_count" }?.number == 4 && read.first { $0.name == "h_sum" }?.number == 7.65)
    }

    @Test("the counters are what was fed: frames, windows, events, requests")
    func counted() async throws {
        let video = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path
        let web = try await Web([
            "streams: [{name: lobby, uri: \(video)}]",
            "queries: [{id: q, text: a blue circle, threshold: 0.1}, {id: c, text: a circle, against: [a square]}]",
        ])
        #expect(try await until { try await web.daemon.status().streams.first?.state == "ended" })
        #expect(try await until { try await web.daemon.status().waiting == 0 })
        #expect(try await web.curl("/api/v1/nothing").status == 404)
        #expect(try await web.curl("/api/v1/queries/none").status == 404)
        let status = try await web.json("/api/v1/status")
        let messages = try await web.json("/api/v1/events?limit=10000").array ?? []
        let page = try await web.curl("/metrics")
        #expect(page.headers.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
        let read = try await samples(page.body)
        func value(_ name: String, _ labels: [String: String] = [:]) -> Double {
            read.first { $0.name == name && $0.labels.merging(labels) { $1 } == $0.labels }?.number ?? .nan
        }
        let sampled = Double(status["streams"]?.array?.first?["sampled"]?.integer ?? -1)
        #expect(sampled > 20)
        #expect(value("watchword_frames_sampled_total", ["stream": "lobby"]) == sampled)
        #expect(value("watchword_frames_dropped_total", ["stream": "lobby", "reason": "queue"]) == 0)
        let done = ["encoded", "gated", "blind"].map { value("watchword_frames_\($0)_total") }
        #expect(done.reduce(0, +) == sampled && done[0] == Double(status["encoded"]?.integer ?? -1))
        #expect(value("watchword_windows_scored_total") == Double(status["scored"]?.integer ?? -1))
        for stage in ["wait", "total"] { #expect(value("watchword_stage_seconds_count", ["stage": stage]) == sampled) }
        let batches = value("watchword_batch_frames_count")
        #expect(value("watchword_stage_seconds_count", ["stage": "encode"]) == batches)
        // The end of the stream travels with its frames.
        #expect(value("watchword_batch_frames_sum") == sampled + 1)
        #expect(value("watchword_scale_seconds_count", ["stream": "lobby"]) >= sampled)
        // Each window is scored for the contrast, whatever comes of it.
        #expect(value("watchword_score_count", ["head": "mean"]) >= value("watchword_windows_scored_total"))
        for phase in ["start", "update", "end"] {
            let told = messages.filter { $0["body"]?["phase"]?.string == phase }.count
            #expect(value("watchword_events_total", ["phase": phase]) == Double(told))
        }
        #expect(messages.contains { $0["body"]?["phase"]?.string == "start" })
        #expect(value("watchword_messages_published_total") == Double(messages.count))
        #expect(value("watchword_stream_state", ["stream": "lobby", "state": "ended"]) == 1)
        #expect(value("watchword_http_requests_total", ["route": "other", "status": "404"]) == 1)
        #expect(value("watchword_http_requests_total", ["route": "/api/v1/queries/{id}", "status": "404"]) == 1)
        #expect(value("watchword_http_connections") == 1 && value("watchword_ready") == 1)
        #expect(value("process_resident_memory_bytes") > 1e7 && value("process_open_fds") > 10)
        #expect(value("process_threads") > 2 && value("process_start_time_seconds") > 1.6e9)
        for sample in read { #expect(!sample.help.isEmpty, "\(sample.name)") }
        await web.stop()
    }
}
