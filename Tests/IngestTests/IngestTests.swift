import Checkpoints
import Foundation
import Ingest
import Pixels
import Sampling
import StreamSources
import Synchronization
import TestSupport
import Testing

/// Plays a source to its end; returns its frames and events in order.
func play(_ description: SourceDescription, frames limit: Int = .max) async throws -> (
    frames: [Frame], events: [SourceEvent]
) {
    let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
    let (stream, continuation) = AsyncStream<(Frame?, SourceEvent?)>.makeStream()
    let source = try VideoSource(
        description, templates: templates, onFrame: { continuation.yield(($0, nil)) },
        onEvent: { continuation.yield((nil, $0)) })
    try await blocking { try source.start() }
    var frames: [Frame] = []
    var events: [SourceEvent] = []
    loop: for await (frame, event) in stream {
        if let frame { frames.append(frame) }
        if frames.count >= limit { break }
        guard let event else { continue }
        events.append(event)
        switch event {
        case .endOfStream, .failed, .busy: break loop
        default: continue
        }
    }
    try await blocking { source.stop() }
    return (frames, events)
}

@Suite("Ingest")
struct IngestTests {
    static func videos() throws -> [URL] { try Fixtures.entries(of: Fixtures.videos) { $0.pathExtension == "mp4" } }

    @Test("samples every golden video at the golden times, and its pictures are close", arguments: try videos())
    func goldens(_ video: URL) async throws {
        let golden = try Fixtures.safetensors(
            video.deletingPathExtension().appendingPathExtension("golden.safetensors"))
        let fps = Double(golden.metadata["fps"] ?? "4") ?? 4
        let (frames, events) = try await play(SourceDescription(uri: video.path, fps: fps, side: 64))
        let times = try golden.floats("timestamps")
        #expect(events.last == .endOfStream)
        try #require(frames.count == times.count)
        for (frame, time) in zip(frames, times) { #expect(abs(frame.mediaTime - Double(time)) < 1e-3) }
        #expect(frames.map(\.discontinuity) == [true] + [Bool](repeating: false, count: frames.count - 1))
        let pixels = try golden.integers("frames_rgb64_first24")
        let size = 64 * 64 * 3
        for (index, frame) in frames.prefix(24).enumerated() {
            let total = frame.picture.rgb.indices.reduce(0) {
                $0 + abs(Int(frame.picture.rgb[$1]) - pixels[index * size + $1])
            }
            #expect(Double(total) / Double(size) < 3, "frame \(index)")
        }
    }

    @Test("samples fractions of a frame a second, and no more than the source has")
    func rates() async throws {
        let video = try Self.videos()[0].path
        let all = try await play(SourceDescription(uri: video, fps: 1000, side: 64)).frames
        let slow = try await play(SourceDescription(uri: video, fps: 0.5, side: 64)).frames
        let duration = try #require(all.last).mediaTime
        #expect(slow.count == Int(duration * 0.5) + 1)
        #expect(Set(all.map(\.mediaTime)).count == all.count)
        #expect(abs(Double(all.count) - duration * 25) < 2)
    }

    @Test("a loop goes on in media time and marks where nothing continues")
    func loop() async throws {
        let video = try Self.videos()[0].path
        let once = try await play(SourceDescription(uri: video, fps: 4, side: 64)).frames.count
        let frames = try await play(SourceDescription(uri: video, fps: 4, loop: true, side: 64), frames: once + 3)
            .frames
        #expect(zip(frames, frames.dropFirst()).allSatisfy { $0.mediaTime < $1.mediaTime })
        #expect(frames.indices.filter { frames[$0].discontinuity } == [0, once])
    }

    @Test("a format that changes in mid-stream is followed")
    func capsChange() async throws {
        let launch = """
            concat name=c ! videoconvert name=convert ! video/x-raw,format=RGB ! appsink name=frames \
            videotestsrc num-buffers=25 ! video/x-raw,width=320,height=240,framerate=25/1 ! c. \
            videotestsrc num-buffers=25 ! video/x-raw,width=640,height=360,framerate=25/1 ! c.
            """
        let (frames, events) = try await play(SourceDescription(uri: "custom", fps: 25, side: 64, launch: launch))
        #expect(frames.count >= 49)
        #expect(events.contains(.formatChanged("320x240")) && events.contains(.formatChanged("640x360")))
    }

    @Test("what cannot be played is one sentence that names it", arguments: ["audio", "garbage"])
    func unplayable(_ kind: String) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(kind)-\(UUID()).ogg")
        defer { try? FileManager.default.removeItem(at: file) }
        if kind == "audio" {
            let maker = Process()
            maker.executableURL = URL(filePath: "/usr/bin/gst-launch-1.0")
            maker.arguments =
                ["-q"]
                + "audiotestsrc num-buffers=50 ! vorbisenc ! oggmux ! filesink location=\(file.path)"
                .split(separator: " ").map(String.init)
            try maker.run()
            maker.waitUntilExit()
            try #require(maker.terminationStatus == 0)
        } else {
            try Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: file)
        }
        let (frames, events) = try await play(SourceDescription(uri: file.path, fps: 1, side: 64))
        #expect(frames.isEmpty)
        guard case .failed(let why) = events.last else {
            Issue.record("no failure: \(events)")
            return
        }
        #expect(why.contains(file.lastPathComponent))
        if kind == "audio" { #expect(why.contains("no video track"), "\(why)") }
    }

    @Test("a missing file, an unknown template and a bad launch line are refused at once")
    func refused() throws {
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        func make(_ description: SourceDescription) throws {
            try VideoSource(description, templates: templates, onFrame: { _ in }, onEvent: { _ in }).start()
        }
        #expect(throws: SourceError("/no/such.mp4: there is no such file")) {
            try make(SourceDescription(uri: "/no/such.mp4", fps: 1, side: 64))
        }
        #expect(throws: SourceError.self) {
            try make(SourceDescription(uri: "/etc/passwd", template: "nope", fps: 1, side: 64))
        }
        #expect(throws: SourceError.self) {
            try make(SourceDescription(uri: "c", fps: 1, side: 64, launch: "nosuchelement ! fakesink"))
        }
        #expect(SourceURI.redacted("rtsp://me:secret@camera/1") == "rtsp://camera/1")
    }
}
