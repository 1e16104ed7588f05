import Concurrency
import ControlAPI
import Daemon
import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore
import Recording
import WireFormat

extension RequestHandler {
    /// Answers with a stream's coded video as it arrives (fragmented MP4), beginning at a keyframe.
    func movie(
        _ name: String, _ request: Request, _ caller: Caller, _ isOver: @escaping @Sendable () -> Bool
    ) async throws -> Response {
        if let problem = Schemas.problem(.string(name), as: .name, at: "name") {
            throw Refusal(400, "bad-argument", problem)
        }
        guard caller.sees(name), let status = daemon.recordings.status(of: name) else {
            throw Refusal(404, "not-found", "there is no stream \"\(name)\"")
        }
        guard status.codec != nil else {
            throw Refusal(
                409, "not-recorded", status.problem ?? "no coded video has come of stream \"\(name)\"")
        }
        guard request.method != .head else { return Self.endless("video/mp4", ResponseBody()) }
        guard let viewer = daemon.recordings.watch(name), let index = try await MovieStream.index(viewer) else {
            throw Refusal(
                503, "not-ready", "no keyframe has come of stream \"\(name)\"", headers: ["Retry-After": "2"])
        }
        let type = "video/mp4; codecs=\"\(MoviePieces.codecs(index) ?? "")\""
        return try follow(request.body, { Self.endless(type, $0) }, on: .live) {
            try await MovieStream.write(viewer, index, to: &$0, until: isOver)
        }
    }
}

/// Sends one client a stream's live video: MP4 pieces in order; a client that is too slow continues at a keyframe.
private enum MovieStream {
    private static let pause = Duration.milliseconds(20)
    /// The longest time to wait for a keyframe; after that the client gets an error and must ask again.
    private static let patience = Duration.seconds(12)

    /// Waits for the MP4 header (`moov`) that comes before all pieces; nil if no keyframe arrives in time.
    static func index(_ viewer: LiveMovie.Viewer) async throws -> [UInt8]? {
        let end = ContinuousClock.now + patience
        while ContinuousClock.now < end, !viewer.isOver {
            if let index = viewer.index { return index }
            try await Task.sleep(for: pause)
        }
        return nil
    }

    static func write(
        _ viewer: LiveMovie.Viewer, _ index: [UInt8], to writer: inout any ResponseBodyWriter,
        until isOver: @Sendable () -> Bool
    ) async throws {
        try await writer.write(ByteBuffer(bytes: index))
        while !Task.isCancelled, !isOver() {
            switch viewer.next() {
            case .ended: return
            case .nothing: try await Task.sleep(for: pause)
            case .pieces(let pieces): for piece in pieces { try await writer.write(ByteBuffer(bytes: piece.bytes)) }
            }
        }
    }
}
