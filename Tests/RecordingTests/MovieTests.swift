import Foundation
import Ingest
import Logging
import Recording
import Sampling
import StreamSources
import TestSupport
import Testing

@Suite("Live movies of real cameras", .serialized)
struct MovieTests {
    private func source(_ uri: String, _ units: any UnitTaker) throws -> VideoSource {
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let description = SourceDescription(uri: uri, fps: 1, decode: .keyframes, side: 32)
        return try VideoSource(description, templates: templates, units: units, onFrame: { _ in }, onEvent: { _ in })
    }

    /// What a viewer gets within some pieces.
    private func watch(_ viewer: LiveMovie.Viewer, pieces count: Int) async throws -> [UInt8] {
        try #require(try await until { viewer.index != nil })
        var (bytes, seen) = (viewer.index ?? [], 0)
        while seen < count, !viewer.isOver {
            if case .pieces(let pieces) = viewer.next() {
                seen += pieces.count
                for piece in pieces { bytes += piece.bytes }
            } else {
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        return bytes
    }

    private func file(_ bytes: [UInt8]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "movie-\(UUID()).mp4").path
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    @Test(
        "each viewer begins with a keyframe and has the camera's units; nothing is copied once the last has gone",
        arguments: [false, true])
    func viewers(isH265: Bool) async throws {
        let coder =
            isH265
            ? "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=25 option-string=\"log-level=none:pools=1\""
                + " ! rtph265pay"
            : "x264enc threads=1 speed-preset=ultrafast tune=zerolatency key-int-max=25 ! rtph264pay"
        let server = try await RTSPServer([
            "--launch",
            "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! "
                + "\(coder) name=pay0 pt=96 config-interval=0",
        ])
        defer { server.kill() }
        let recordings = Recordings(clips: nil, journal: nil, logger: Logger(label: "test"))
        let ring = recordings.ring(of: "gate")
        recordings.keep(ring, of: "gate", hasClips: true)
        let source = try source(server.uri, ring)
        try source.start()
        defer { source.stop() }
        #expect(try await until { ring.status.codec == (isH265 ? "H.265" : "H.264") })
        // Nobody looks: nothing is held.
        #expect(!ring.isWanted && ring.status.bytes == 0)
        let first = try await watch(try #require(recordings.watch("gate")), pieces: 12)
        #expect(try await until { !ring.isWanted })
        var viewer = recordings.watch("gate")
        let other = try #require(recordings.watch("gate"))
        let second = try await watch(try #require(viewer), pieces: 12)
        let third = try await watch(other, pieces: 4)
        viewer = nil
        for bytes in [first, second, third] {
            let path = try file(bytes)
            let said = try complaints(of: path)
            #expect(said.isEmpty, "\(said)")
            let slices = try CodedSlices.of(file: path, isH265: isH265)
            let kind = isH265 ? slices[0][0] >> 1 & 63 : slices[0][0] & 31
            #expect(isH265 ? (16...21).contains(kind) : kind == 5)
            #expect(slices.count >= 10)
            let codecs = try #require(MoviePieces.codecs(bytes))
            #expect(codecs.hasPrefix(isH265 ? "hvc1.1.6.L" : "avc1."), "\(codecs)")
        }
        #expect(recordings.watch("nothing") == nil)
        // A viewer is told when the stream is opened again.
        let format = CodedFormat(codec: .h264, width: 1, height: 1, caps: "video/x-h264")
        ring.take(
            CodedUnit([1], isKeyframe: true, stamp: 0, at: 0, arrival: 0, format: format), of: ring.beginSession())
        #expect(try await until { other.isOver })
    }

    @Test("pieces are whole whatever buffers they come in")
    func pieces() {
        func box(_ name: String, _ size: Int) -> [UInt8] {
            [0, 0, UInt8(size >> 8), UInt8(size & 255)] + Array(name.utf8)
                + [UInt8](repeating: 0xAA, count: max(0, size - 8))
        }
        var pieces = MoviePieces()
        #expect(pieces.take(box("ftyp", 20), isKeyframe: true).isEmpty)
        #expect(pieces.take(box("moov", 40), isKeyframe: true).isEmpty)
        let moof = box("moof", 60)
        #expect(pieces.take(moof, isKeyframe: true) == [.index(box("ftyp", 20) + box("moov", 40))])
        let head: [UInt8] = [0, 0, 0, 38] + Array("mdat".utf8)
        #expect(pieces.take(head, isKeyframe: true).isEmpty)
        #expect(pieces.take([UInt8](repeating: 1, count: 10), isKeyframe: true).isEmpty)
        let rest = [UInt8](repeating: 2, count: 20)
        #expect(
            pieces.take(rest, isKeyframe: false)
                == [.piece(moof + head + [UInt8](repeating: 1, count: 10) + rest, begins: true)])
        #expect(pieces.take(moof, isKeyframe: true).isEmpty)
        let short: [UInt8] = [0, 0, 0, 18] + Array("mdat".utf8)
        _ = pieces.take(short, isKeyframe: true)
        #expect(
            pieces.take([UInt8](repeating: 3, count: 10), isKeyframe: false)
                == [.piece(moof + short + [UInt8](repeating: 3, count: 10), begins: false)])
    }
}
