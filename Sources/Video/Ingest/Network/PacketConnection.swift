import CRTSP
import Foundation
import Packets

/// An RTSP session with a server, whose RTP packets come interleaved in the RTSP connection (TCP).
// @unchecked: `cancel` may be called on any thread; all else by one at a time, the source's streaming thread
final class PacketConnection: @unchecked Sendable {
    /// The outcome of opening an RTSP session.
    enum Opened {
        case stream(PacketReader.Stream)
        case unusual
        case cancelled
        /// The session could not be opened; `post` reports the error to the pipeline.
        case failed
    }

    /// The reason why reading from the RTSP connection ended.
    enum End: Int {
        case ended = -1
        case broke = -2
        case cancelled = -3
    }

    private let session = ww_rtsp_new()
    private var outcome = WW_RTSP_IS_CANCELLED
    private var told = ww_rtsp_session()

    deinit { ww_rtsp_free(session) }

    func cancel() { ww_rtsp_cancel(session) }

    /// Opens the RTSP session and starts playing; waits at most some seconds for each answer of the server.
    func open(_ uri: String, trusting database: TLSDatabase?) -> Opened {
        outcome = ww_rtsp_open(session, uri, database?.pointer, &told)
        switch outcome {
        case WW_RTSP_PLAYS:
            return .stream(
                PacketReader.Stream(
                    coding: told.is_h265 != 0 ? .h265 : .h264, payloadType: Int(told.payload),
                    channel: UInt8(clamping: told.channel), clockRate: told.clock_rate, sets: parameterSets))
        case WW_RTSP_IS_UNUSUAL: return .unusual
        case WW_RTSP_IS_CANCELLED: return .cancelled
        default: return .failed
        }
    }

    private var parameterSets: [[UInt8]] {
        let text = withUnsafeBytes(of: &told.parameter_sets) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return text.split(separator: ",").compactMap { Data(base64Encoded: String($0)).map { [UInt8]($0) } }
    }

    /// The time between requests that keep the RTSP session alive.
    var keepAlive: Duration { .milliseconds(Int(told.keep_alive)) }

    /// Reads into `room` once `least` bytes have arrived, or after `wait`; returns the number read, or an `End` value.
    func read(into room: UnsafeMutableRawBufferPointer, least: Int, wait: Duration) -> Int {
        ww_rtsp_read(
            session, room.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(room.count), UInt(least),
            Int32(wait / .milliseconds(1)))
    }

    func sendKeepAlive() { _ = ww_rtsp_keep_alive(session) }
    func sendReport() { _ = ww_rtsp_report(session) }
    func answer(_ sequence: String) { _ = ww_rtsp_answer(session, sequence) }

    /// Posts an error message on the pipeline's bus, as from the element `source`, for a session that failed to open.
    func post(as source: UnsafeMutableRawPointer) { ww_rtsp_post(source, outcome, &told) }
}
