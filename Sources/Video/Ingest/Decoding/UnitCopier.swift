import CGStreamer
import Foundation
import Sampling

/// Copies the coded pictures that come to one decoder, for the object that records them.
///
/// It is used on the streaming thread of the decoder's pad only.
final class UnitCopier {
    private let taker: any UnitTaker
    private let session: Int
    /// The caps (media format) that `format` was read from; the copier owns a reference.
    private var caps: UnsafeMutablePointer<GstCaps>?
    private var format: CodedFormat?
    private var startCodes = false
    private let opened = ContinuousClock.now

    /// Makes a copier, and begins a new session of the recorder.
    init(_ taker: any UnitTaker) {
        self.taker = taker
        session = taker.beginSession()
    }

    deinit { if let caps { ww_unref_caps(caps) } }

    func take(_ buffer: UnsafeMutablePointer<GstBuffer>, _ pad: UnsafeMutablePointer<GstPad>) {
        readCaps(of: pad)
        guard let known = format else { return }
        let isKeyframe = ww_is_delta(buffer) == 0
        // Parameter sets may come only once, before anybody records units, so they are always read.
        let isWanted = taker.isWanted
        guard isWanted || isKeyframe && startCodes else { return }
        let size = gst_buffer_get_size(buffer)
        guard size > 0, size <= Self.largest else { return }
        // Of a unit that nobody records, only the parameter sets at its beginning are read.
        let copied = isWanted ? size : min(size, gsize(ParameterSets.most))
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(copied)) { target, count in
            count = Int(gst_buffer_extract(buffer, 0, target.baseAddress, copied))
        }
        if isKeyframe, startCodes { note(ParameterSets.leading(bytes, known.codec), known) }
        guard isWanted else { return }
        let stamp = Self.runningTime(buffer.pointee.pts, pad)
        let lead = stamp.map { ww_lead(pad, $0) } ?? 0
        // A time stamp that is far from the clock does not tell when the picture was taken.
        let at = Date().timeIntervalSince1970 + (Self.plausibleLead.contains(lead) ? lead : 0)
        taker.take(
            CodedUnit(
                bytes, isKeyframe: isKeyframe, stamp: stamp, at: at,
                arrival: (ContinuousClock.now - opened) / .seconds(1), format: format ?? known), of: session)
    }

    /// The greatest size in bytes of a coded picture that is copied.
    private static let largest: gsize = 16 << 20
    private static let plausibleLead = -30.0...5.0

    private func note(_ sets: [UInt8], _ known: CodedFormat) {
        // Most cameras repeat the same sets at each keyframe.
        guard sets != known.parameterSets else { return }
        let merged = ParameterSets.merged(known.parameterSets, with: sets, known.codec)
        guard merged != known.parameterSets else { return }
        format = CodedFormat(
            codec: known.codec, width: known.width, height: known.height, caps: known.caps, parameterSets: merged)
    }

    /// Reads the video format again if the pad has new caps.
    private func readCaps(of pad: UnsafeMutablePointer<GstPad>) {
        guard let now = gst_pad_get_current_caps(pad) else { return }
        guard now != caps else { return ww_unref_caps(now) }
        if let caps { ww_unref_caps(caps) }
        caps = now
        guard gst_caps_get_size(now) > 0, let first = gst_caps_get_structure(now, 0) else { return format = nil }
        let name = gst_structure_get_name(first).map { String(cString: $0) } ?? ""
        guard let codec: VideoCodec = name == "video/x-h264" ? .h264 : name == "video/x-h265" ? .h265 : nil else {
            format = nil
            return taker.refuse(name, of: session)
        }
        var (width, height): (gint, gint) = (0, 0)
        gst_structure_get_int(first, "width", &width)
        gst_structure_get_int(first, "height", &height)
        startCodes = gst_structure_get_string(first, "stream-format").map { String(cString: $0) } == "byte-stream"
        guard let text = gst_caps_to_string(now) else { return format = nil }
        defer { g_free(text) }
        let read = CodedFormat(codec: codec, width: Int(width), height: Int(height), caps: String(cString: text))
        format = read
        taker.learn(read, of: session)
    }

    private static func runningTime(_ time: GstClockTime, _ pad: UnsafeMutablePointer<GstPad>) -> Double? {
        guard time != ww_no_time() else { return nil }
        guard let event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0) else { return Double(time) / 1e9 }
        defer { ww_unref_event(event) }
        var segment = GstSegment()
        gst_event_copy_segment(event, &segment)
        guard segment.format == GST_FORMAT_TIME else { return Double(time) / 1e9 }
        let running = gst_segment_to_running_time(&segment, GST_FORMAT_TIME, time)
        return running == ww_no_time() ? nil : Double(running) / 1e9
    }
}
