import Foundation
import Ingest
import Pixels
import Sampling
import StreamSources
import Synchronization
import TestSupport
import Testing

/// Makes a picture of `side` 64, pixel by pixel.
private func picture(_ level: (_ x: Int, _ y: Int) -> Int) -> Picture {
    var rgb: [UInt8] = []
    for y in 0..<64 {
        for x in 0..<64 {
            let value = UInt8(clamping: level(x, y))
            rgb += [value, value, value]
        }
    }
    return Picture(side: 64, rgb: rgb)
}

/// A picture of a square on a plain wall, with noise that differs from picture to picture.
private func scene(_ time: Int, light: Double = 1, noise: Int = 2) -> Picture {
    picture { x, y in
        let level = (20..<34).contains(x) && (20..<34).contains(y) ? 200.0 : 90
        let grain = noise == 0 ? 0 : (x * 7 + y * 13 + time * 29) % (2 * noise + 1) - noise
        return Int(level * light) + grain
    }
}

/// The same scene out of focus: a mean over 25 pixels in each direction.
private func blurred(_ time: Int) -> Picture {
    let sharp = scene(0, noise: 0)
    return picture { x, y in
        var sum = 0
        for j in -12...12 {
            for i in -12...12 {
                sum += Int(sharp.rgb[(min(max(y + j, 0), 63) * 64 + min(max(x + i, 0), 63)) * 3])
            }
        }
        return sum / 625 + (x * 7 + y * 13 + time * 29) % 2
    }
}

@Suite("The health of pictures")
struct HealthTests {
    private func verdicts(_ seconds: Int, _ picture: (Int) -> Picture) -> [PictureHealth] {
        var monitor = HealthMonitor()
        return (0...seconds).map { monitor.observe(PictureLevels(picture($0)), at: Double($0)) }
    }

    @Test("pictures without light are black after their time, and a good one is good at once")
    func black() {
        let found = verdicts(30) { time in time < 20 ? picture { x, _ in x % 2 } : scene(time) }
        #expect(found[..<1].allSatisfy { $0 == .good } && found[1..<20].allSatisfy { $0 == .black })
        #expect(found[20...].allSatisfy { $0 == .good })
    }

    @Test("a small light in the night is something to see, a few bright dots of a sensor are not", arguments: [1, 3])
    func lamp(side: Int) {
        let lit = 20..<20 + side
        let found = verdicts(30) { _ in picture { x, y in lit.contains(x) && lit.contains(y) ? 200 : 0 } }
        #expect(found[2...].allSatisfy { $0 == (side == 1 ? .black : .good) }, "\(found)")
    }

    @Test("a dark room is not black, however long it stays dark", arguments: [0.05, 0.08, 0.11])
    func dark(_ light: Double) {
        #expect(verdicts(300) { scene($0, light: light, noise: 1) }.allSatisfy { $0 == .good })
        #expect(verdicts(300) { time in picture { x, y in 4 + (x + y * 3 + time) % 2 } }.allSatisfy { $0 == .good })
    }

    @Test("pictures that are equal to the bit are frozen after a minute; one bit of change begins anew")
    func frozen() {
        let found = verdicts(200) { time in time < 100 ? scene(1) : scene(time) }
        #expect(found[..<60].allSatisfy { $0 == .good } && found[60..<100].allSatisfy { $0 == .frozen })
        #expect(found[100...].allSatisfy { $0 == .good })
        #expect(verdicts(300) { scene($0 / 50) }.allSatisfy { $0 == .good })
        #expect(verdicts(300) { scene($0 / 70) }.contains(.frozen))
    }

    @Test("a few equal pictures far apart are not frozen")
    func seldom() {
        var monitor = HealthMonitor()
        let found = (0..<5).map { monitor.observe(PictureLevels(scene(0)), at: Double($0) * 100) }
        #expect(found == [.good, .good, .good, .frozen, .frozen])
    }

    @Test("a still scene that the change gate holds back is not frozen while the decoder's frames differ")
    func gated() {
        var monitor = HealthMonitor()
        let found = (0..<200).map { time in
            monitor.observe(PictureLevels(scene(0)), at: Double(time), decoded: UInt64(time / 30))
        }
        #expect(found.allSatisfy { $0 == .good })
    }

    @Test("a covered or unfocused lens is blurred after a minute")
    func covered() {
        let grey = (0..<3).map { time in picture { x, y in 70 + (x * 7 + y * 13 + time * 29) % 3 } }
        for bad in [grey, (0..<3).map(blurred)] {
            let found = verdicts(130) { time in time < 120 ? bad[time % 3] : scene(time) }
            #expect(found[..<60].allSatisfy { $0 == .good } && found[60..<120].allSatisfy { $0 == .blurred })
            #expect(found[120...].allSatisfy { $0 == .good })
        }
    }

    @Test("a jump begins anew")
    func jump() {
        var monitor = HealthMonitor()
        for time in 0..<80 { _ = monitor.observe(PictureLevels(scene(0)), at: Double(time)) }
        #expect(monitor.health == .frozen)
        #expect(monitor.observe(PictureLevels(scene(0)), at: 3) == .good)
        monitor.reset()
        #expect(monitor.health == .good)
    }

    @Test("a frame's fingerprint is that of its luma")
    func fingerprint() {
        var bytes = [UInt8](repeating: 9, count: 32 * 16 * 3)
        func mark() -> UInt64 {
            bytes.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { DecodedFrame(rgb: $0, width: 30, height: 16, stride: 96).fingerprint } ?? 0
            }
        }
        let first = mark()
        bytes[95] = 1  // beyond the row
        #expect(mark() == first)
        bytes[8 * 96 + 89] = 10
        #expect(mark() != first)
    }

    @Test(
        "no picture of the golden videos is unwell",
        arguments: try Fixtures.entries(of: Fixtures.videos) { $0.pathExtension == "mp4" })
    func goldens(_ video: URL) async throws {
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let frames = Mutex<[Frame]>([])
        let (ends, end) = AsyncStream<SourceEvent>.makeStream()
        let player = try VideoSource(
            SourceDescription(uri: video.path, fps: 4, side: 64), templates: templates,
            onFrame: { frame in frames.withLock { $0.append(frame) } },
            onEvent: { event in if event == .endOfStream { end.finish() } })
        try player.start()
        for await _ in ends {}
        player.stop()
        var monitor = HealthMonitor()
        let all = frames.withLock { $0 }
        let levels = all.map { PictureLevels($0.picture) }
        for (frame, level) in zip(all, levels) {
            #expect(monitor.observe(level, at: frame.mediaTime) == .good, "at \(frame.mediaTime) s")
        }
        #expect(all.count > 100)
        // How near it is: the longest run that only its shortness saves.
        print(
            video.lastPathComponent, all.count, "pictures;", levels.filter(\.isBlack).count, "without light,",
            levels.filter(\.hasNoEdges).count, "without edges")
    }
}
