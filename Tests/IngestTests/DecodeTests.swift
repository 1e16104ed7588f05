import Foundation
import Ingest
import Pixels
import Sampling
import StreamSources
import TestSupport
import Testing

/// A sampled picture of the server: the number encoded in its colour, and the pictures decoded until then.
private struct NumberedFrame {
    let number: Int
    let mediaTime: Double
    let skipped: UInt64
    let keyframesOnly: Bool
}

@Suite("Decoding less", .serialized)
struct DecodeTests {
    /// Samples an RTSP stream of the script's numbered pictures until number `last` or a later one.
    private func sample(
        _ arguments: [String], fps: Double, decode: DecodeMode, share: SamplingShare = SamplingShare(),
        until last: Int
    ) async throws -> (frames: [NumberedFrame], record: DecodingRecord) {
        let server = try await RTSPServer(arguments)
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let record = DecodingRecord()
        let (stream, continuation) = AsyncStream<Result<NumberedFrame, SourceError>>.makeStream()
        let source = try VideoSource(
            SourceDescription(uri: server.uri, fps: fps, decode: decode, side: 16), templates: templates,
            decoding: record, share: share,
            onFrame: { frame in
                let middle = frame.picture.rgb[(8 * 16 + 8) * 3..<(8 * 16 + 8) * 3 + 3]
                let number = middle.reversed().reduce(0) { $0 * 8 + Int($1) / 32 }
                continuation.yield(
                    .success(
                        NumberedFrame(
                            number: number, mediaTime: frame.mediaTime, skipped: record.skippedUnits,
                            keyframesOnly: record.isKeyframesOnly)))
            },
            onEvent: { event in
                if case .failed(let why) = event { continuation.yield(.failure(SourceError(why))) }
            })
        try await blocking { try source.start() }
        var frames: [NumberedFrame] = []
        for await result in stream {
            frames.append(try result.get())
            if let frame = frames.last, frame.number >= last { break }
        }
        try await blocking { source.stop() }
        return (frames, record)
    }

    private func list(_ numbers: some Sequence<Int>) -> String { numbers.map(String.init).joined(separator: ",") }

    @Test("of keyframes alone each is sampled as soon as it is there, with B-frames too")
    func keyframes() async throws {
        try await together([0, 3]) { try await expectKeyframes(bframes: $0) }
    }

    private func expectKeyframes(bframes: Int) async throws {
        let keyframes = Array(stride(from: 0, through: 400, by: 20))
        let (frames, record) = try await sample(
            ["--keyframes", list(keyframes), "--bframes", "\(bframes)"], fps: 2, decode: .keyframes, until: 100)
        let numbers = frames.map(\.number)
        let first = try #require(numbers.first)
        #expect(numbers == Array(stride(from: first, through: 100, by: 20)) && first.isMultiple(of: 20))
        // Had the decoder kept a picture, all units up to the next keyframe would have been dropped before it came.
        let before = try #require(frames.first).skipped
        #expect(before < 20 && (first > 0 || before == 0))
        #expect(frames.indices.allSatisfy { frames[$0].skipped <= before + 19 * UInt64($0) })
        #expect(frames.allSatisfy(\.keyframesOnly) && record.returnsToAll == 0)
    }

    @Test("auto decodes keyframes alone while they come often, and all of the rest from a keyframe on")
    func auto() async throws {
        let often = Array(stride(from: 0, through: 100, by: 10))
        let (frames, record) = try await sample(
            ["--keyframes", list(often + [150])], fps: 2, decode: .auto, until: 200)
        let alone = frames.filter(\.keyframesOnly).map(\.number)
        #expect(!alone.isEmpty && alone.allSatisfy { often.contains($0) }, "\(alone)")
        let later = frames.drop { !$0.keyframesOnly }.drop { $0.keyframesOnly }
        #expect(later.first?.number == 150 && later.contains { !often.contains($0.number) && $0.number > 150 })
        // Nothing is shown of the units that the decoder could not make a picture of.
        #expect(!frames.contains { (101..<150).contains($0.number) })
        #expect(zip(frames, frames.dropFirst()).allSatisfy { $0.number < $1.number && $0.mediaTime < $1.mediaTime })
        #expect(record.returnsToAll == 1 && !record.isKeyframesOnly && record.skippedUnits >= 49)
    }

    @Test(
        "while there is too much to do keyframes are left out before the decoder, or pictures before they are resized")
    func shedding() async throws {
        let share = SamplingShare()
        share.set(0.5)
        let keyframes = ["--keyframes", list(stride(from: 0, through: 400, by: 20))]
        async let slowly = sample(keyframes, fps: 1.25, decode: .auto, share: share, until: 150)
        async let quickly = sample(keyframes, fps: 5, decode: .all, share: share, until: 60)
        let (few, record) = try await slowly
        // The first is kept, whatever the share; from then on every second one.
        let (kept, left) = (few.dropFirst().map(\.number), Int(record.shedSamples))
        #expect(kept == kept.indices.map { kept[0] + 40 * $0 } && few.allSatisfy { $0.number.isMultiple(of: 20) })
        #expect(abs(left - few.count) <= 2, "\(left) left out, \(few.count) kept")
        // Of each keyframe that is left out, and of all between them, nothing was decoded.
        #expect(Int(record.skippedUnits) >= 39 * (few.count - 2) && record.isKeyframesOnly)

        let (some, all) = try await quickly
        #expect(all.skippedUnits == 0 && abs(Int(all.shedSamples) - some.count) <= 3)
        // The first came when it did; from then on every second one of five a second.
        let numbers = some.dropFirst().map(\.number)
        #expect(zip(numbers.dropFirst(), numbers).allSatisfy { abs($0 - $1 - 10) <= 1 }, "\(numbers)")
    }

    @Test("all decodes all")
    func all() async throws {
        let (frames, record) = try await sample(
            ["--keyframes", list(stride(from: 0, through: 400, by: 10))], fps: 10, decode: .all, until: 60)
        #expect(frames.contains { !$0.number.isMultiple(of: 10) })
        #expect(record.skippedUnits == 0 && !record.isKeyframesOnly)
    }

    @Test("of JPEG, where each picture stands for itself, those are decoded that are sampled")
    func jpeg() async throws {
        let mjpeg = ["--keyframes", "0", "--mjpeg"]
        async let sampled = sample(mjpeg, fps: 5, decode: .auto, until: 150)
        async let whole = sample(mjpeg, fps: 25, decode: .all, until: 50)
        let (frames, record) = try await sampled
        // JPEG's colours are not exact enough for each picture's number: its time is.
        let times = frames.map(\.mediaTime)
        // A loaded machine may be late for those that come before it is clear what the stream is.
        let steady = times.drop { $0 < 1 }
        #expect(steady.count >= 20)
        #expect(zip(steady.dropFirst(), steady).allSatisfy { abs($0 - $1 - 0.2) <= 0.05 }, "\(times)")
        let units = 25 * ((times.last ?? 0) - (times.first ?? 0))
        // Ten are decoded before it is clear what the stream is.
        #expect(abs(Double(record.skippedUnits) - (units - 10) * 4 / 5) <= 10, "\(record.skippedUnits) of \(units)")
        #expect(record.isKeyframesOnly && record.returnsToAll == 0)

        let (every, none) = try await whole
        #expect(none.skippedUnits == 0 && !none.isKeyframesOnly && every.count > 20)
    }

    @Test("of a file everything is decoded, whatever is asked for", arguments: [DecodeMode.auto, .keyframes])
    func file(mode: DecodeMode) async throws {
        let video = try IngestTests.videos()[0].path
        let all = try await play(SourceDescription(uri: video, fps: 4, decode: .all, side: 64)).frames
        let found = try await play(SourceDescription(uri: video, fps: 4, decode: mode, side: 64)).frames
        #expect(found.map(\.mediaTime) == all.map(\.mediaTime) && found.map(\.picture.rgb) == all.map(\.picture.rgb))
    }
}
