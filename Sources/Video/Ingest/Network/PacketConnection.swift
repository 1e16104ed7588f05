import CRTSP
import Foundation
import Packets

/// A plain RTSP session, whose packets come within its connection.
// @unchecked: `cancel` is for any thread; all else is for one at a time, the source's streaming thread
final class PacketConnection: @unchecked Sendable {
    /// The outcome of opening the connection.
    enum Opened {
        case stream(PacketReader.Stream)
        case unusual
        case cancelled
        /// Posted by `post`.
        case failed
    }

    /// The reason why reading ended.
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

    /// Waits for the server, some seconds for each answer at most.
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

    /// Time between requests that keep the session alive.
    var keepAlive: Duration { .milliseconds(Int(told.keep_alive)) }

    /// Reads what has come once there are `least` bytes, or after `wait`; the result is a count, or an `End`.
    func read(into room: UnsafeMutableRawBufferPointer, least: Int, wait: Duration) -> Int {
        ww_rtsp_read(
            session, room.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(room.count), UInt(least),
            Int32(wait / .milliseconds(1)))
    }

    func sendKeepAlive() { _ = ww_rtsp_keep_alive(session) }
    func sendReport() { _ = ww_rtsp_report(session) }
    func answer(_ sequence: String) { _ = ww_rtsp_answer(session, sequence) }

    /// Tells the pipeline, as `source`, why the session could not be opened.
    func post(as source: UnsafeMutableRawPointer) { ww_rtsp_post(source, outcome, &told) }
}
