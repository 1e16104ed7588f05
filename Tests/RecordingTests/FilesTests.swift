import Foundation
import Ingest
import Logging
import Recording
import Sampling
import StreamSources
import TestSupport
import Testing

/// A change of what a stream sends, in the middle of an event.
private enum Change: String, CaseIterable, CustomTestStringConvertible {
    case codec, size, session

    var testDescription: String { rawValue }

    var camera: Camera {
        switch self {
        case .codec: Camera.all[5]
        case .size:
            Camera(
                testDescription: "small", coding: Camera.all[0].coding,
                pictures: "video/x-raw,format=I420,width=160,height=120,framerate=25/1")
        case .session: Camera.all[0]
        }
    }
}

@Suite("Clips of several files", .serialized)
struct FilesTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "f-\(UUID().uuidString.prefix(8))")

    private func source(_ uri: String, _ units: any UnitTaker) throws -> VideoSource {
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let description = SourceDescription(uri: uri, fps: 1, decode: .keyframes, side: 32)
        return try VideoSource(description, templates: templates, units: units, onFrame: { _ in }, onEvent: { _ in })
    }

    private func slices(_ units: ArraySlice<CodedUnit>, isH265: Bool) -> [[UInt8]] {
        units.flatMap {
            CodedSlices.of(
                unit: $0.bytes, hasStartCodes: $0.format.caps.contains("byte-stream"), isH265: isH265)
        }
    }

    @Test(
        "another codec, size or session begins another file; each plays, and both have all units",
        arguments: Change.allCases)
    private func another(change: Change) async throws {
        var settings = ClipSettings()
        (settings.directory, settings.before, settings.after) = (folder.path, 1, 1)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let recorder = try ClipRecorder(settings, journal: nil, logger: logger)
        let (one, two) = (Camera.all[0], change.camera)
        let servers = [
            try await RTSPServer(["--launch", one.launch]), try await RTSPServer(["--launch", two.launch]),
        ]
        defer { for server in servers { server.kill() } }
        let witness = Witness(UnitRing())
        recorder.keep(witness.ring, of: "gate")
        let first = try source(servers[0].uri, witness)
        try first.start()
        #expect(try await until { witness.all.count { $0.isKeyframe } >= 4 })
        let start = Date().timeIntervalSince1970 - 0.2
        recorder.begin("A", of: "gate", at: start)
        try await Task.sleep(for: .seconds(1))
        first.stop()
        let count = witness.all.count
        let second = try source(servers[1].uri, witness)
        try second.start()
        defer { second.stop() }
        #expect(try await until { witness.all[count...].count { $0.isKeyframe } >= 3 })
        let end = Date().timeIntervalSince1970
        let paths = [folder.path + "/A.mp4", folder.path + "/A.2.mp4"]
        #expect(recorder.end("A", at: end) == paths)
        try #require(try await until { recorder.clip(of: "A") == .files(paths) })

        let all = witness.all
        let begin = try #require(all[..<count].lastIndex { $0.isKeyframe && $0.at <= start - 1 })
        #expect(try CodedSlices.of(file: paths[0]) == slices(all[begin..<count], isH265: false))
        let next = try #require(all[count...].firstIndex { $0.isKeyframe })
        let last = try #require(all[next...].firstIndex { $0.at > end + 1 })
        let found = try CodedSlices.of(file: paths[1], isH265: two.isH265)
        #expect(found.count > 25 && found == slices(all[next..<last], isH265: two.isH265))
        for path in paths { #expect(try complaints(of: path) == "", "\(path)") }
        #expect(recorder.status.written == 1 && recorder.status.cut == 0 && recorder.status.clips == 1)
        recorder.close()
        try FileManager.default.removeItem(at: folder)
    }
}
