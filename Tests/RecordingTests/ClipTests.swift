import Foundation
import Ingest
import Logging
import Recording
import Sampling
import StreamSources
import TestSupport
import Testing

@Suite("Clips of real cameras", .serialized)
struct ClipTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "c-\(UUID().uuidString.prefix(8))")

    private func recorder(_ change: (inout ClipSettings) -> Void) throws -> ClipRecorder {
        var settings = ClipSettings()
        settings.directory = folder.path
        change(&settings)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try ClipRecorder(settings, journal: nil, logger: logger)
    }

    private func source(_ uri: String, _ units: any UnitTaker) throws -> VideoSource {
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let description = SourceDescription(uri: uri, fps: 1, decode: .keyframes, side: 32)
        return try VideoSource(description, templates: templates, units: units, onFrame: { _ in }, onEvent: { _ in })
    }

    @Test("a clip begins at the right keyframe, has the camera's units and no others, and seeks")
    func units() async throws {
        // That with the longest groups takes longest.
        try await together(Camera.all.sorted { $0.group > $1.group }) { try await ClipTests().expectClip(of: $0) }
    }

    private func expectClip(of camera: Camera) async throws {
        let recorder = try recorder { ($0.before, $0.after) = (1, 1) }
        let server = try await RTSPServer(["--launch", camera.launch])
        defer { server.kill() }
        let witness = Witness(UnitRing())
        recorder.keep(witness.ring, of: "gate")
        let source = try source(server.uri, witness)
        try source.start()
        defer { source.stop() }
        let keyframes = camera.group > 5 ? 2 : 3
        #expect(try await until { witness.all.count { $0.isKeyframe } >= keyframes }, "\(camera.testDescription)")
        let start = Date().timeIntervalSince1970 - 0.5
        recorder.begin("A", of: "gate", at: start)
        try await Task.sleep(for: .seconds(1.5))
        let end = Date().timeIntervalSince1970
        #expect(recorder.end("A", at: end) == [folder.path + "/A.mp4"], "\(camera.testDescription)")
        #expect(recorder.clip(of: "A") == .beingWritten, "\(camera.testDescription)")
        try #require(
            try await until { recorder.clip(of: "A") == .files([folder.path + "/A.mp4"]) }, "\(camera.testDescription)")

        let all = witness.all
        let before = all.lastIndex { $0.isKeyframe && $0.at <= start - 1 }
        let first = try #require(before ?? all.firstIndex { $0.isKeyframe })
        let last = try #require(all[first...].firstIndex { $0.at > end + 1 })
        try expectWhole(all[first..<last], camera)
        recorder.close()
        try FileManager.default.removeItem(at: folder)
    }

    /// The file has these units' slices, but for what leans on pictures before the first, and decodes without a fault.
    private func expectWhole(_ units: ArraySlice<CodedUnit>, _ camera: Camera) throws {
        let file = folder.path + "/A.mp4"
        let next = units.dropFirst().firstIndex { $0.isKeyframe } ?? units.endIndex
        let wanted = units.enumerated().filter { _, unit in
            let isBeforeNext = units.firstIndex { $0 === unit }.map { $0 < next } ?? false
            return !(isBeforeNext && (unit.stamp ?? 0) < (units.first?.stamp ?? 0))
        }.map(\.element)
        #expect(wanted.count > 50, "\(camera.testDescription)")
        let slices = wanted.flatMap { unit in
            CodedSlices.of(
                unit: unit.bytes, hasStartCodes: unit.format.caps.contains("byte-stream"), isH265: camera.isH265)
        }
        let found = try CodedSlices.of(file: file, isH265: camera.isH265)
        #expect(found.count >= wanted.count, "\(camera.testDescription)")
        #expect(found == slices, "\(camera.testDescription)")
        #expect(try complaints(of: file) == "", "\(camera.testDescription)")
        // The index alone knows how many there are.
        let counts =
            "ffprobe -v error -count_packets -show_entries stream=nb_frames,nb_read_packets -of csv=p=0 \"$1\""
        #expect(try said(counts, of: file) == "\(wanted.count),\(wanted.count)\n", "\(camera.testDescription)")
    }

    private func said(_ command: String, of file: String) throws -> String {
        String(decoding: try output(of: "bash", ["-c", command, "bash", file]), as: UTF8.self)
    }

    @Test("MJPEG is said, and has no clip")
    func pictures() async throws {
        let recorder = try recorder { $0.before = 1 }
        let server = try await RTSPServer(["--keyframes", "0", "--mjpeg"])
        defer { server.kill() }
        let ring = UnitRing()
        recorder.keep(ring, of: "gate")
        let source = try source(server.uri, ring)
        try source.start()
        defer { source.stop() }
        #expect(try await until { ring.status.problem != nil })
        recorder.begin("A", of: "gate", at: Date().timeIntervalSince1970)
        _ = recorder.end("A", at: Date().timeIntervalSince1970 - 60)
        #expect(try await until { recorder.clip(of: "A") == .nothing })
        #expect(recorder.status.empty == 1)
        recorder.close()
    }

    @Test("what a crash leaves at any moment plays, or is removed; other files are left alone")
    func crash() async throws {
        let recorder = try recorder { ($0.before, $0.after) = (1, 30) }
        let server = try await RTSPServer(["--launch", Camera.all[0].launch])
        defer { server.kill() }
        let witness = Witness(UnitRing())
        recorder.keep(witness.ring, of: "gate")
        let source = try source(server.uri, witness)
        try source.start()
        defer { source.stop() }
        #expect(try await until { witness.all.count { $0.isKeyframe } >= 3 })
        recorder.begin("A", of: "gate", at: Date().timeIntervalSince1970)
        let part = folder.path + "/A.mp4.part"
        let sizes = [0, 1, 3000, 20_000, 40_000, 60_000]
        #expect(try await until { (try? Data(contentsOf: URL(filePath: part)).count) ?? 0 >= sizes[5] })
        // Fragments are appended, so that its beginning is what a crash would have left then.
        let written = try Data(contentsOf: URL(filePath: part))
        var (played, removed) = (0, 0)
        for size in sizes {
            let place = folder.appending(path: "crash-\(size)")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try written.prefix(size).write(to: place.appending(path: "A.mp4.part"))
            try Data("mine".utf8).write(to: place.appending(path: "notes.part"))
            let next = try self.recorder { $0.directory = place.path }
            let left = try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
            next.close()
            guard left == ["A.mp4", "notes.part"] else {
                #expect(left == ["notes.part"])
                removed += 1
                continue
            }
            played += 1
            let file = place.path + "/A.mp4"
            #expect(try complaints(of: file) == "")
            let slices = try CodedSlices.of(file: file)
            let all = witness.all.flatMap {
                CodedSlices.of(unit: $0.bytes, hasStartCodes: $0.format.caps.contains("byte-stream"))
            }
            let first = try #require(all.firstIndex(of: slices[0]))
            #expect(slices.count > 10 && slices == Array(all[first...].prefix(slices.count)))
        }
        #expect(played > 0 && removed > 0)
        recorder.close()
        #expect(recorder.clip(of: "A") == .files([folder.path + "/A.mp4"]))
        #expect(recorder.status.cut == 1)
    }

    @Test("a clip ends where the stream is opened again and sends no keyframe, and where it has its most seconds")
    func cuts() async throws {
        let recorder = try recorder { ($0.before, $0.longest) = (1, 3) }
        let server = try await RTSPServer(["--launch", Camera.all[0].launch])
        defer { server.kill() }
        let ring = UnitRing()
        recorder.keep(ring, of: "gate")
        for event in ["LONG", "AGAIN"] {
            let source = try source(server.uri, ring)
            let session = ring.newestKeyframe?.session ?? 0
            try source.start()
            // The oldest keyframe of the next session is 2 s old.
            #expect(
                try await until {
                    guard let oldest = ring.keyframe(before: 0), oldest.session > session else { return false }
                    return Date().timeIntervalSince1970 - oldest.unit.at > 2
                })
            recorder.begin(event, of: "gate", at: Date().timeIntervalSince1970)
            if event == "AGAIN" {
                try await Task.sleep(for: .seconds(1))
                source.stop()
                ring.take(
                    CodedUnit([1], isKeyframe: false, stamp: 0, at: 0, arrival: 0, format: Self.other),
                    of: ring.beginSession())
            }
            try #require(try await until { recorder.clip(of: event) == .files([folder.path + "/\(event).mp4"]) })
            source.stop()
            let file = folder.path + "/\(event).mp4"
            #expect(try complaints(of: file) == "")
            let seconds = try said("ffprobe -v error -show_entries format=duration -of csv=p=0 \"$1\"", of: file)
            let length = try #require(Double(seconds.trimmingCharacters(in: .newlines)))
            #expect(event == "LONG" ? abs(length - 3) < 0.2 : length > 1 && length < 3.2, "\(event): \(length)")
        }
        #expect(recorder.status.cut == 2 && recorder.status.written == 2)
        recorder.close()
    }

    private static let other = CodedFormat(codec: .h264, width: 1, height: 1, caps: "video/x-h264")

    @Test("retention removes what is too old, then the oldest; what was called right stays")
    func retention() async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (number, event) in ["A", "B", "C", "D"].enumerated() {
            let file = folder.appending(path: "\(event).mp4")
            try Data(count: 4_000_000).write(to: file)
            let age = [40.0, 30, 3, 2][number] * 86_400
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: file.path)
        }
        let more = folder.appending(path: "C.2.mp4")
        try Data(count: 1000).write(to: more)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -3 * 86_400)], ofItemAtPath: more.path)
        for name in ["notes.txt", "C.1.mp4", "C.02.mp4", "C.17.mp4"] {
            try Data(count: 10).write(to: folder.appending(path: name))
        }
        let recorder = try recorder { ($0.days, $0.gigabytes) = (7, 0.01) }
        #expect(recorder.status.clips == 4 && recorder.status.bytes == 16_001_000)
        let keeping = Task { await recorder.keepRetiring { ["B"] } }
        #expect(try await until { recorder.status.clips == 2 })
        keeping.cancel()
        await keeping.value
        // A by its age, then C with all its files, the oldest that may go.
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(left == ["B.mp4", "C.02.mp4", "C.1.mp4", "C.17.mp4", "D.mp4", "notes.txt"])
        recorder.close()
    }
}
