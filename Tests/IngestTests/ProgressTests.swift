import Foundation
import Ingest
import StreamSources
import TestSupport
import Testing

/// The frames of a source and its final event; nil if it has none within `limit`.
func outcome(
    of description: SourceDescription, patience: Duration = .seconds(5), within limit: Duration = .seconds(60)
) async throws -> (frames: Int, end: SourceEvent?) {
    let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
    let (ends, continuation) = AsyncStream<SourceEvent?>.makeStream()
    let source: VideoSource
    do throws(SourceError) {
        source = try VideoSource(
            description, templates: templates, patience: patience, onFrame: { _ in },
            onEvent: { event in
                switch event {
                case .endOfStream, .failed: continuation.yield(event)
                default: break
                }
            })
    } catch {
        return (0, .failed(error.description))
    }
    Thread {
        do throws(SourceError) { try source.start() } catch { continuation.yield(.failed(error.description)) }
    }.start()
    let guarding = Task {
        try await Task.sleep(for: limit)
        continuation.yield(nil)
    }
    var end: SourceEvent?
    for await event in ends {
        end = event
        break
    }
    guarding.cancel()
    if end != nil { try await blocking { source.stop() } }
    return (Int(source.sampledFrames), end)
}

@Suite("Sources that give nothing", .serialized)
struct ProgressTests {
    private static let inputs = Fixtures.repository.appending(path: "Tests/Fixtures/inputs")

    private func sentence(_ description: SourceDescription, patience: Duration = .seconds(5)) async throws -> String {
        let (_, end) = try await outcome(of: description, patience: patience)
        guard case .failed(let why) = end else {
            Issue.record("no failure: \(String(describing: end))")
            return ""
        }
        return why
    }

    @Test("a live clip that repeats with time stamps that stand still is given up by a sentence")
    func frozenTimes() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "frozen-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let playlist = try await RepeatingPlaylist(in: folder)
        let why = try await sentence(SourceDescription(uri: playlist.uri, fps: 4, side: 64), patience: .seconds(2))
        #expect(why.contains("none was due for 2.8 s: their time stamps stand still"), "\(why)")
    }

    @Test("a film without its index is refused by a sentence, every time, though its error is dropped in some runs")
    func withoutIndex() async throws {
        let film = Self.inputs.appending(path: "nomoov.mp4").path
        for _ in 0..<20 {
            let why = try await sentence(SourceDescription(uri: film, fps: 4, side: 64))
            #expect(why.contains("nomoov.mp4: ") && why.count < 250, "\(why)")
        }
    }

    @Test("what waits without end is given up by a sentence")
    func waits() async throws {
        let launch = "appsrc caps=video/x-raw,format=RGB,width=64,height=64,framerate=5/1 ! appsink name=frames"
        let why = try await sentence(
            SourceDescription(uri: "custom", fps: 4, side: 64, launch: launch), patience: .seconds(1))
        #expect(why.contains("no picture, no end and no error come of it for 1 s"), "\(why)")
    }

    @Test("a GIF of one picture ends after it")
    func oneFrame() async throws {
        let gif = Self.inputs.appending(path: "one-frame.gif").path
        let (frames, end) = try await outcome(of: SourceDescription(uri: gif, fps: 4, side: 64))
        #expect(frames == 1 && end == .endOfStream, "\(frames) \(String(describing: end))")
    }

    @Test("a named pipe, a directory, a device and an empty file are refused by name")
    func noFiles() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "no-files-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (pipe, empty) = (folder.appending(path: "pipe.mp4").path, folder.appending(path: "empty.mp4").path)
        try #require(mkfifo(pipe, 0o600) == 0)
        try Data().write(to: URL(filePath: empty))
        for (path, part) in [
            (pipe, "named pipe"), (folder.path, "directory"), ("/dev/null", "device"), (empty, "empty"),
            ("file://" + pipe, "named pipe"),
        ] {
            let why = try await sentence(SourceDescription(uri: path, fps: 4, side: 64))
            #expect(why.contains("expected a file, found") && why.contains(part), "\(why)")
        }
    }

    @Test("progress is anything new; whoever holds a frame stops the time, and idle threads end it early")
    func rules() {
        let start = ContinuousClock.now
        func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }
        var watch = ProgressWatch(limit: .seconds(30), at: start)
        #expect(watch.observe(1, isHeld: false, isRunning: true, at: at(29)) == .goesOn)
        #expect(watch.observe(1, isHeld: false, isRunning: true, at: at(58.9)) == .goesOn)
        #expect(watch.observe(1, isHeld: true, isRunning: true, at: at(5000)) == .goesOn)
        #expect(watch.observe(1, isHeld: false, isRunning: true, at: at(5029.9)) == .goesOn)
        #expect(watch.observe(1, isHeld: false, isRunning: true, at: at(5030)) == .isStuck)
        #expect(watch.observe(2, isHeld: false, isRunning: true, at: at(5031)) == .goesOn)
        #expect(watch.observe(2, isHeld: false, isRunning: false, at: at(5032)) == .goesOn)
        #expect(watch.observe(2, isHeld: false, isRunning: true, at: at(5034)) == .goesOn)
        #expect(watch.observe(2, isHeld: false, isRunning: false, at: at(5035)) == .goesOn)
        #expect(watch.observe(2, isHeld: false, isRunning: false, at: at(5038)) == .isIdle)
    }
}
