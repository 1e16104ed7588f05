import Foundation
import Logging
import Pixels
import Recording
import Sampling
import StreamSources
import TestSupport
import Testing

@Suite("Strips of pictures", .serialized)
struct StripTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "s-\(UUID().uuidString.prefix(8))")

    private func recorder() throws -> ClipRecorder {
        var settings = ClipSettings()
        (settings.directory, settings.before, settings.after) = (folder.path, 2, 1)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try ClipRecorder(settings, journal: nil, logger: logger)
    }

    /// A picture of one grey.
    private func picture(_ level: UInt8, width: Int = 320, height: Int = 180) -> Preview {
        Preview(width: width, height: height, rgb: [UInt8](repeating: level, count: width * height * 3))
    }

    /// The greys in the middles of a JPEG's tiles, and its size, by ffmpeg.
    private func greys(_ file: String) throws -> (levels: [Int], width: Int, height: Int) {
        let size = String(
            decoding: try output(
                of: "ffprobe", ["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", file]),
            as: UTF8.self
        ).split(whereSeparator: { ",\n".contains($0) }).compactMap { Int($0) }
        let (width, height) = (try #require(size.first), try #require(size.last))
        let bytes = try output(
            of: "ffmpeg", ["-v", "error", "-i", file, "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        var levels: [Int] = []
        for y in stride(from: 90, to: height, by: 180) {
            for x in stride(from: 160, to: width, by: 320) {
                levels.append(Int(bytes[bytes.startIndex + y * width + x]))
            }
        }
        return (levels, width, height)
    }

    @Test("an event of a stream that is not recorded has the pictures around it, in order, as one JPEG")
    func strip() async throws {
        let recorder = try recorder()
        let ring = UnitRing()
        recorder.keep(ring, of: "gate")
        ring.refuse("image/jpeg", of: ring.beginSession())
        let now = Date().timeIntervalSince1970
        // Two a second are held, of the last two seconds before the event on.
        for number in 0..<40 { ring.see(picture(UInt8(50 + number * 4)), at: now - 8 + Double(number) * 0.25) }
        recorder.begin("A", of: "gate", at: now - 3)
        #expect(recorder.end("A", at: now) == [folder.path + "/A.jpg"])
        try #require(try await until { recorder.clip(of: "A") == .files([folder.path + "/A.jpg"]) })
        let (levels, width, height) = try greys(folder.path + "/A.jpg")
        #expect(width == 4 * 320 && height == 4 * 180 && levels.count == 16)
        // From 5 s before now to 1 s after it: of the pictures 12 to 36 every second.
        let wanted = stride(from: 12, through: 36, by: 2).map { 50 + $0 * 4 }
        #expect(zip(levels, wanted).allSatisfy { abs($0 - $1) <= 3 }, "\(levels)")
        #expect(levels.dropFirst(wanted.count).allSatisfy { $0 < 10 })
        #expect(recorder.status.written == 1 && recorder.status.clips == 1)
        recorder.close()
    }

    @Test("a long event has no more than 24 pictures, which are evenly apart, and the ring stays within its bytes")
    func long() async throws {
        let recorder = try recorder()
        let ring = UnitRing()
        recorder.keep(ring, of: "gate")
        let now = Date().timeIntervalSince1970
        for number in 0..<60 { ring.see(picture(UInt8(4 * number)), at: now - 30 + Double(number) * 0.5) }
        #expect(ring.status.bytes <= 8_000_000 && ring.status.bytes > 7_000_000)
        recorder.begin("A", of: "gate", at: now - 28)
        _ = recorder.end("A", at: now - 1)
        try #require(try await until { recorder.clip(of: "A") == .files([folder.path + "/A.jpg"]) })
        let levels = try greys(folder.path + "/A.jpg").levels.filter { $0 > 8 }
        let steps = zip(levels, levels.dropFirst()).map { $1 - $0 }
        #expect((13...24).contains(levels.count))
        #expect(steps.allSatisfy { (5...11).contains($0) }, "\(levels)")
        recorder.close()
    }

    @Test("nothing is held of a stream whose coding is recorded, nor without clips")
    func recorded() throws {
        let ring = UnitRing(bytes: 1_000_000)
        ring.see(picture(9), at: 1)
        #expect(ring.status.bytes > 0)
        ring.learn(CodedFormat(codec: .h264, width: 1, height: 1, caps: "video/x-h264"), of: ring.beginSession())
        #expect(ring.status.bytes == 0)
        ring.see(picture(9), at: 2)
        #expect(ring.status.bytes == 0)
        let none = UnitRing()
        none.see(picture(9), at: 1)
        #expect(none.status.bytes == 0)
    }
}
