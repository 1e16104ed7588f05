import Checkpoints
import Foundation
import Heads
import TestSupport
import Testing

/// A golden video: windows of 8 frames that start at every frame, and 12 queries.
private struct GoldenVideo {
    static let windowFrames = 8
    let file: SafetensorsFile
    let count: Int

    static func names() throws -> [String] {
        try Fixtures.entries(of: Fixtures.videos) { $0.lastPathComponent.hasSuffix(".golden.safetensors") }
            .map { String($0.lastPathComponent.dropLast(".golden.safetensors".count)) }
    }

    init(_ name: String) throws {
        file = try Fixtures.safetensors(Fixtures.videos.appending(path: "\(name).golden.safetensors"))
        count = try #require(file.tensors["frame_embeddings"]?.shape.first) - Self.windowFrames + 1
    }

    /// Computes `[windows, queries]`, in the order of the golden scores; with `backwards`, of reversed windows.
    func scores(_ head: Head, backwards: Bool = false) throws -> [Float] {
        let frames = try file.floats("frame_embeddings")
        let windows = (0..<count).flatMap { window in
            (0..<Self.windowFrames).flatMap { step in
                let t = window + (backwards ? Self.windowFrames - 1 - step : step)
                return frames[t * 128..<(t + 1) * 128]
            }
        }
        let scores = try head.similarity(
            texts: file.floats("text_embeddings"), windows,
            valid: [Int](repeating: Self.windowFrames, count: count), frames: Self.windowFrames, scale: 1)
        return (0..<count).flatMap { window in (0..<12).map { scores[$0 * count + window] } }
    }
}

@Suite("Heads on the golden videos")
struct VideoTests {
    @Test("frame and text embeddings of the goldens are not normalised", arguments: try GoldenVideo.names())
    func unnormalised(_ name: String) throws {
        let video = try GoldenVideo(name)
        for tensor in ["frame_embeddings", "text_embeddings"] {
            let first = try video.file.floats(tensor).prefix(128)
            #expect(first.reduce(0) { $0 + $1 * $1 } > 4)
        }
    }

    @Test("every window's scores match the golden ones", arguments: Plugins.names, try GoldenVideo.names())
    func scores(_ plugin: String, _ name: String) throws {
        let video = try GoldenVideo(name)
        let scores = try video.scores(Plugins.bundled(plugin))
        let worst = worstExcess(scores, try video.file.floats("scores.\(plugin)"))
        #expect(worst <= (plugin == "tight" ? 0.05 : 0.01))
    }

    /// Measures over all videos how often windows that move left score higher for "… left", and likewise for "… right".
    @Test("mean cannot tell left from right, the other heads can", arguments: Plugins.names)
    func direction(_ plugin: String) throws {
        let head = try Plugins.bundled(plugin)
        var left: [(left: Float, right: Float)] = []
        var right: [(left: Float, right: Float)] = []
        for name in try GoldenVideo.names() {
            let video = try GoldenVideo(name)
            let truth = try video.file.floats("truth")
            let scores = try video.scores(head)
            for row in stride(from: 0, to: truth.count, by: 12) {
                let pair = (left: scores[row], right: scores[row + 1])
                if truth[row] == 1, truth[row + 1] == 0 { left.append(pair) }
                if truth[row] == 0, truth[row + 1] == 1 { right.append(pair) }
            }
        }
        try #require(left.count >= 10 && right.count >= 10)
        let areas = [
            area(left.map(\.left), above: right.map(\.left)), area(right.map(\.right), above: left.map(\.right)),
        ]
        if plugin == "mean" {
            #expect(areas.allSatisfy { 0.3...0.7 ~= $0 }, "\(areas)")
        } else {
            #expect(areas.allSatisfy { $0 >= 0.9 }, "\(areas)")
        }
    }

    /// Checks that a window that moves left moves right when it is played backwards.
    @Test("played backwards, left becomes right, but not for mean", arguments: Plugins.names)
    func backwards(_ plugin: String) throws {
        let head = try Plugins.bundled(plugin)
        var (turned, moving) = (0, 0)
        for name in try GoldenVideo.names() {
            let video = try GoldenVideo(name)
            let truth = try video.file.floats("truth")
            let forth = try video.scores(head)
            let back = try video.scores(head, backwards: true)
            guard plugin != "mean" else {
                #expect(worstExcess(back, forth) <= 1e-5)
                continue
            }
            for row in stride(from: 0, to: truth.count, by: 12) where truth[row] + truth[row + 1] == 1 {
                guard truth[row] != 0.5 else { continue }
                let (own, other) = truth[row] == 1 ? (row, row + 1) : (row + 1, row)
                moving += 1
                if forth[own] > back[own], back[other] > forth[other] { turned += 1 }
            }
        }
        #expect(plugin == "mean" || (moving >= 20 && 10 * turned >= 9 * moving), "\(turned) of \(moving)")
    }

    /// The area under the ROC curve.
    private func area(_ high: [Float], above low: [Float]) -> Double {
        let wins = high.reduce(0.0) { sum, h in
            sum + low.reduce(0.0) { $0 + (h > $1 ? 1 : h == $1 ? 0.5 : 0) }
        }
        return wins / Double(high.count * low.count)
    }
}
