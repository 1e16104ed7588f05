import CGStreamer
import Foundation
import Ingest
package import Sampling

/// Writes coded units into an MP4 file as they are, or into pieces of one: a GStreamer pipeline without a decoder.
///
/// A file is written in fragments, so that a crash leaves what plays; `end` gives it one index.
// @unchecked: GStreamer's objects are thread-safe, and the pointers never change; one thread calls at a time
package final class UnitMuxer: @unchecked Sendable {
    package enum State: Sendable, Equatable {
        case running
        /// All is written.
        case done
        case failed(String, isFull: Bool)
    }

    private let pipeline: UnsafeMutablePointer<GstElement>
    private let source: UnsafeMutablePointer<GstElement>
    private let bus: UnsafeMutablePointer<GstBus>
    private var state = State.running
    /// Takes the buffers of a movie without end; called on GStreamer's threads.
    private let pieces: Pieces?
    /// Bytes that wait in the pipeline, at most.
    private static let mostWaiting: guint64 = 4 << 20

    /// Begins a file; its directory is there, and may be written to.
    package convenience init(_ format: CodedFormat, file: String) throws(MuxError) {
        try self.init(
            format,
            "mp4mux fragment-duration=1000 fragment-mode=first-moov-then-finalise ! filesink name=out async=false"
        ) {
            ww_set_text($0, "location", file)
        }
    }

    /// Begins a movie without end, in fragments: `take` gets its buffers in order, on GStreamer's thread, and whether a
    /// buffer is a keyframe's.
    package convenience init(
        _ format: CodedFormat, take: @escaping @Sendable (_ bytes: [UInt8], _ isKeyframe: Bool) -> Void
    ) throws(MuxError) {
        let pieces = Pieces(take)
        try self.init(
            format, "mp4mux fragment-duration=100 streamable=true ! appsink name=out sync=false async=false", pieces
        ) {
            pieces.attach(to: $0)
        }
    }

    private init(
        _ format: CodedFormat, _ rest: String, _ pieces: Pieces? = nil,
        _ prepare: (UnsafeMutablePointer<GstElement>) -> Void
    ) throws(MuxError) {
        do { try GStreamer.initialize() } catch { throw MuxError("\(error)") }
        let (short, kind) = format.codec == .h264 ? ("h264", "avc") : ("h265", "hvc1")
        let names = ["\(short)parse", "\(short)timestamper", "mp4mux"]
        for name in names where !GStreamer.hasElement(name) {
            throw MuxError("GStreamer's element \(name) is not installed")
        }
        // The time stamper finds when each unit is decoded, which cameras do not say.
        let line =
            "appsrc name=units format=time ! \(names[0]) ! video/x-\(short),stream-format=\(kind),alignment=au "
            + "! \(names[1]) ! \(rest)"
        var error: UnsafeMutablePointer<GError>?
        let parsed = gst_parse_launch_full(line, nil, GST_PARSE_FLAG_FATAL_ERRORS, &error)
        defer { g_clear_error(&error) }
        guard let parsed else { throw MuxError(error.map { String(cString: $0.pointee.message) } ?? "unknown error") }
        gst_object_ref_sink(parsed)  // was floating: now ours
        let ends = (ww_bin_get(parsed, "units"), ww_bin_get(parsed, "out"), gst_element_get_bus(parsed))
        guard let source = ends.0, let out = ends.1, let bus = ends.2 else {
            if let source = ends.0 { gst_object_unref(source) }
            if let out = ends.1 { gst_object_unref(out) }
            if let bus = ends.2 { gst_object_unref(bus) }
            gst_object_unref(parsed)
            throw MuxError("the pipeline has no ends")
        }
        defer { gst_object_unref(out) }
        (pipeline, self.source, self.bus, self.pieces) = (parsed, source, bus, pieces)
        ww_app_src_set_caps(source, format.caps)
        prepare(out)
        guard gst_element_set_state(parsed, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE else {
            throw MuxError(Self.problem(on: bus)?.reason ?? "the file cannot be made")
        }
    }

    deinit {
        gst_element_set_state(pipeline, GST_STATE_NULL)
        gst_object_unref(bus)
        gst_object_unref(source)
        gst_object_unref(pipeline)
    }

    /// Whether it takes more now; what is slow behind it fills it up.
    package var hasRoom: Bool { ww_app_src_level(source) < Self.mostWaiting }

    /// Takes a unit that is shown at `time`, in seconds from the first; `sets` stand before it.
    package func push(_ unit: CodedUnit, at time: Double, after sets: [UInt8] = []) {
        let bytes = sets.isEmpty ? unit.bytes : sets + unit.bytes
        let stamp = MediaTime.nanoseconds(min(max(0, time), MediaTime.latest)) ?? 0
        _ = bytes.withUnsafeBytes {
            ww_app_src_push_unit(
                source, $0.baseAddress, gsize($0.count), guint64(stamp), unit.isKeyframe ? 0 : 1)
        }
    }

    /// Says that no more units come; `progress` says when all is written.
    package func end() { ww_app_src_finish(source) }

    package func progress() -> State {
        guard state == .running else { return state }
        if let problem = Self.problem(on: bus) {
            state = problem.isEnd ? .done : .failed(problem.reason, isFull: problem.isFull)
        }
        return state
    }

    private static func problem(
        on bus: UnsafeMutablePointer<GstBus>
    ) -> (isEnd: Bool, reason: String, isFull: Bool)? {
        let kinds = GstMessageType(rawValue: GST_MESSAGE_EOS.rawValue | GST_MESSAGE_ERROR.rawValue)
        guard let message = gst_bus_timed_pop_filtered(bus, 0, kinds) else { return nil }
        defer { ww_unref_message(message) }
        guard ww_message_type(message) == GST_MESSAGE_ERROR else { return (true, "", false) }
        let report = SourceReport(message)
        return (
            false, report.systemError ?? report.plain, report.isResource(GST_RESOURCE_ERROR_NO_SPACE_LEFT)
        )
    }
}

/// Hands on what a pipeline's sink gets.
private final class Pieces: Sendable {
    private let take: @Sendable ([UInt8], Bool) -> Void

    init(_ take: @escaping @Sendable ([UInt8], Bool) -> Void) { self.take = take }

    /// The sink must not outlive this.
    func attach(to sink: UnsafeMutablePointer<GstElement>) {
        var callbacks = GstAppSinkCallbacks()
        callbacks.new_sample = { sink, user in
            guard let sink, let user, let sample = ww_app_sink_pull(sink) else { return GST_FLOW_OK }
            defer { ww_unref_sample(sample) }
            guard let buffer = gst_sample_get_buffer(sample) else { return GST_FLOW_OK }
            let size = gst_buffer_get_size(buffer)
            let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { target, count in
                count = Int(gst_buffer_extract(buffer, 0, target.baseAddress, size))
            }
            Unmanaged<Pieces>.fromOpaque(user).takeUnretainedValue().take(bytes, ww_is_delta(buffer) == 0)
            return GST_FLOW_OK
        }
        ww_app_sink_set_callbacks(sink, &callbacks, Unmanaged.passUnretained(self).toOpaque())
    }
}

/// Units that cannot be written, and why.
package struct MuxError: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
