import Concurrency
import Foundation
import Ingest
import Logging
import Measures
package import Printing
import Recording
import StreamSources
import SystemSupport
import WatchwordConfiguration

/// Measures what it costs to hold coded video and to write clips, and how soon a clip is ready.
///
/// Cameras are played over RTSP by a process of their own; nothing is scored, and keyframes alone are decoded.
package struct ClipsBenchmark: Sendable {
    package let streams: Int
    /// Seconds of each measurement.
    package let seconds: Double
    /// Rounds, in each of which nothing is held, then units are, then clips are written.
    package let rounds: Int

    package init(streams: Int, seconds: Double, rounds: Int) {
        (self.streams, self.seconds, self.rounds) = (streams, seconds, rounds)
    }

    /// The work that is done with a stream's coded pictures.
    private enum Work: CaseIterable { case nothing, holding, writing }

    /// Throws `ClipServer.Missing` if the cameras cannot be played.
    package func run(_ reporter: ProgressReporter) async throws -> ClipsReport {
        Memory.keepSmall()
        let server = try await offPoolThrowing { try ClipServer(scene: "moving") }
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var settings = ClipSettings()
        (settings.directory, settings.after, settings.longest) = (folder.path, Self.after, seconds + 60)
        let recorder = try ClipRecorder(
            settings, journal: nil, logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        defer { recorder.close() }
        let cameras = try await cameras(server, recorder, settings)
        defer { for camera in cameras { camera.source.stop() } }
        var shares: [Work: [Double]] = [:]
        var delays: [Double] = []
        var bytes = 0
        for round in 0..<rounds {
            for (step, work) in Work.allCases.enumerated() {
                reporter.progress("round \(round + 1) of \(rounds), step \(step + 1) of 3")
                for camera in cameras { camera.ring.keep(work == .nothing ? nil : Int(settings.ringMegabytes * 1e6)) }
                // Long enough for a keyframe to be held.
                try await Task.sleep(for: .seconds(3))
                let (began, used) = (ContinuousClock.now, clock())
                if work == .writing {
                    delays += try await write(cameras, recorder, round)
                } else {
                    try await Task.sleep(for: .seconds(seconds))
                }
                let elapsed: Double = (ContinuousClock.now - began) / .seconds(1)
                let cpu = Double(clock() - used) / Double(CLOCKS_PER_SEC)
                shares[work, default: []].append(cpu / elapsed / Double(streams) * 100)
                bytes = max(bytes, cameras.map(\.ring.status.bytes).max() ?? 0)
            }
        }
        reporter.clear()
        let status = recorder.status
        func over(_ work: Work) -> [Double] {
            zip(shares[work] ?? [], shares[.nothing] ?? []).map { $0 - $1 }
        }
        return ClipsReport(
            streams: streams, seconds: seconds, rounds: rounds,
            mbit_per_s: Double(status.bytes) * 8 / 1e6 / (Double(max(1, status.written)) * (seconds + Self.after)),
            receive_percent: (shares[.nothing] ?? []).median, hold_percent: over(.holding).median,
            write_percent: over(.writing).median, hold_percent_all: over(.holding), write_percent_all: over(.writing),
            clips: status.written, cut: status.cut, failed: status.failed + status.empty + status.refused,
            ready_ms: Int(delays.median * 1000), ready_most_ms: Int((delays.max() ?? .nan) * 1000),
            ring_mb: Double(bytes) / 1e6)
    }

    /// Seconds that a clip goes on after its event.
    private static let after = 2.0

    private struct Camera {
        let name: String
        let ring: UnitRing
        let source: VideoSource
    }

    /// Opens the cameras, and waits until each sends.
    private func cameras(
        _ server: ClipServer, _ recorder: ClipRecorder, _ settings: ClipSettings
    ) async throws -> [Camera] {
        let templates = try PipelineTemplates(directory: Installation.pipelines)
        let description = SourceDescription(uri: server.uri, fps: 1, decode: .keyframes, side: 224)
        var cameras: [Camera] = []
        for number in 1...streams {
            let (name, ring) = ("camera-\(number)", UnitRing())
            recorder.keep(ring, of: name)
            let source = try VideoSource(
                description, templates: templates, units: ring, onFrame: { _ in }, onEvent: { _ in })
            try source.start()
            cameras.append(Camera(name: name, ring: ring, source: source))
            // The pause spreads the cameras' keyframes over the second.
            try await Task.sleep(for: .milliseconds(130))
        }
        for _ in 0..<300 where cameras.contains(where: { $0.ring.newestKeyframe == nil }) {
            try await Task.sleep(for: .milliseconds(100))
        }
        guard !cameras.contains(where: { $0.ring.newestKeyframe == nil }) else {
            throw ClipServer.Missing(description: "a camera sent nothing within 30 s")
        }
        return cameras
    }

    /// Has an event on each stream for the measurement's time.
    ///
    /// Returns how many seconds after its last picture each clip was ready.
    private func write(_ cameras: [Camera], _ recorder: ClipRecorder, _ round: Int) async throws -> [Double] {
        func event(_ camera: Camera) -> String { "\(camera.name.filter(\.isNumber))ROUND\(round)" }
        for camera in cameras {
            recorder.begin(event(camera), of: camera.name, at: Date().timeIntervalSince1970)
        }
        try await Task.sleep(for: .seconds(max(1, seconds - Self.after)))
        let end = Date().timeIntervalSince1970
        for camera in cameras { _ = recorder.end(event(camera), at: end) }
        var (delays, left): ([Double], [Camera]) = ([], cameras)
        while !left.isEmpty {
            try await Task.sleep(for: .milliseconds(10))
            let now = Date().timeIntervalSince1970
            for camera in left where recorder.clip(of: event(camera)) != .beingWritten {
                delays.append(now - end - Self.after)
            }
            left.removeAll { recorder.clip(of: event($0)) != .beingWritten }
            guard now < end + 60 else { throw ClipServer.Missing(description: "a clip was not ready within a minute") }
        }
        return delays
    }
}
