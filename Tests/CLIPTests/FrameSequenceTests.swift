import CLIP
import Foundation
import Matching
import Pixels
import Tensors
import TestSupport
import Testing

@Suite("3D patches on a stream")
struct FrameSequenceTests {
    private static let folder = Fixtures.reference.appending(path: "cases/seqTransf_3d")

    private func encoder() throws -> ImageEncoder {
        let source = OpenAINames(try Fixtures.safetensors(Self.folder.appending(path: "model.safetensors")))
        return try ImageEncoder(source, architecture: Architecture(inferredFrom: source), precision: .f32)
    }

    private func pictures(_ count: Int, side: Int) -> [Picture] {
        (0..<count).map { frame in
            Picture(
                side: side,
                rgb: (0..<side * side * 3).map { UInt8(truncatingIfNeeded: ($0 &* 37 &+ frame &* 91) ^ ($0 >> 3)) })
        }
    }

    /// Compares a stream's window, built frame by frame, with the same frames embedded as a clip.
    @Test("every window, young or full, is what the reference makes of its frames", arguments: [2, 3, 5])
    func windows(_ length: Int) throws {
        let encoder = try encoder()
        let width = encoder.architecture.embedding
        let pictures = pictures(9, side: encoder.architecture.vision.side)
        var sequence = FrameSequence(.spatiotemporal)
        var window = FrameWindow(width: width, capacity: length, hasEdges: true)
        for (index, picture) in pictures.enumerated() {
            let due = sequence.append(picture)
            #expect((due.completed != nil) == (index > 0))
            if let (inner, first) = due.completed {
                let rows = try encoder.encode([inner, first])
                window.complete(inner: rows.row(0), first: rows.row(1))
            }
            window.append(
                try encoder.encode([due.newest]).row(0), mediaTime: Double(index), wallClock: Double(index))
            var streamed = [Float](repeating: 0, count: length * width)
            let span = try #require(window.copyLast(length, into: &streamed, at: 0))
            let clip = Array(pictures[max(0, index + 1 - length)...index])
            #expect(span.frames == clip.count)
            let wanted = try encoder.encode(FrameInContext.window(clip)).values
            #expect(worstExcess(streamed.prefix(wanted.count), wanted) <= 1e-6, "at \(index)")
        }
    }

    @Test("a longer window keeps what it has; nothing goes on across a gap")
    func gaps() throws {
        let encoder = try encoder()
        let pictures = pictures(2, side: encoder.architecture.vision.side)
        var sequence = FrameSequence(.spatiotemporal)
        _ = sequence.append(pictures[0])
        sequence.clear()
        let due = sequence.append(pictures[1])
        #expect(due.completed == nil && due.newest.previous == nil && due.newest.next == nil)

        var window = FrameWindow(width: 1, capacity: 2, hasEdges: true)
        for frame in 0..<3 {
            if frame > 0 { window.complete(inner: [Float(frame * 10 - 9)], first: [Float(frame * 10 - 8)]) }
            window.append([Float(frame * 10)], mediaTime: 0, wallClock: 0)
        }
        window.resize(to: 3)
        window.complete(inner: [21], first: [22])
        window.append([30], mediaTime: 0, wallClock: 0)
        var rows: [Float] = [0, 0, 0]
        _ = window.copyLast(3, into: &rows, at: 0)
        #expect(rows == [12, 21, 30])
    }

    @Test("2D patches embed a frame once")
    func planar() {
        var sequence = FrameSequence(.planar)
        let pictures = pictures(2, side: 8)
        for picture in pictures {
            let due = sequence.append(picture)
            #expect(due.completed == nil && due.newest.previous == nil)
        }
    }
}
