import CGStreamer
import Containers
import Sampling
import Synchronization

/// Extracts the pictures of a multipart HTTP answer (MJPEG of a camera) by probes after a pipeline's HTTP sources.
///
/// GStreamer's `multipartdemux` waits for the end of a stream that never ends, requires a boundary before the first
/// part, and takes the boundary only from the body.
// @unchecked: `parser` and `withoutPicture` are only used by the source's streaming thread; `times` is thread-safe
final class MultipartTap: @unchecked Sendable {
    /// The number of consecutive multipart parts without a picture after which the source fails.
    private static let patience = 50

    private let times: TimeKeeping
    private var parser: MultipartParser?
    private var withoutPicture = 0

    private init(_ times: TimeKeeping) { self.times = times }

    /// Adds probes to every HTTP source element of a pipeline, also to those added later.
    ///
    /// If an answer is multipart, `times` is told that pictures get their arrival time. It must outlive the pipeline.
    static func attach(to pipeline: UnsafeMutablePointer<GstElement>, times: TimeKeeping) {
        ww_watch_elements(
            pipeline,
            { _, _, element, user in
                guard let element, let user else { return }
                let times = Unmanaged<TimeKeeping>.fromOpaque(user).takeUnretainedValue()
                if ww_is_made_by(element, "multipartdemux") != 0 { ww_set_int(element, "single-stream", 1) }
                if ww_is_made_by(element, "souphttpsrc") != 0 { MultipartTap(times).watch(element) }
                // With frame threads a decoder would delay pictures that have arrived.
                if times.isByArrival, ww_is_video_decoder(element) != 0, ww_has_property(element, "max-threads") != 0 {
                    ww_set_int(element, "max-threads", 1)
                }
            }, Unmanaged.passUnretained(times).toOpaque())
    }

    private func watch(_ source: UnsafeMutablePointer<GstElement>) {
        guard let pad = gst_element_get_static_pad(source, "src") else { return }
        defer { gst_object_unref(pad) }
        let kinds = GST_PAD_PROBE_TYPE_BUFFER.rawValue | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM.rawValue
        gst_pad_add_probe(
            pad, GstPadProbeType(rawValue: kinds),
            { pad, info, user in
                guard let pad, let info, let user else { return GST_PAD_PROBE_OK }
                return Unmanaged<MultipartTap>.fromOpaque(user).takeUnretainedValue().probe(info, of: pad)
            }, Unmanaged.passRetained(self).toOpaque(),
            { user in if let user { Unmanaged<MultipartTap>.fromOpaque(user).release() } })
    }

    private func probe(
        _ info: UnsafeMutablePointer<GstPadProbeInfo>, of pad: UnsafeMutablePointer<GstPad>
    ) -> GstPadProbeReturn {
        if let event = ww_probe_event(info) {
            answered(event)
            return GST_PAD_PROBE_OK
        }
        guard parser != nil, let buffer = ww_probe_buffer(info) else { return GST_PAD_PROBE_OK }
        var map = GstMapInfo()
        guard gst_buffer_map(buffer, &map, GST_MAP_READ) != 0 else { return GST_PAD_PROBE_DROP }
        let parts = parser?.append(UnsafeRawBufferPointer(start: map.data, count: Int(map.size))) ?? []
        gst_buffer_unmap(buffer, &map)
        let pictures = parts.filter(Self.isPicture).flatMap(\.body)
        withoutPicture = pictures.isEmpty ? withoutPicture + parts.count : 0
        if withoutPicture >= Self.patience, let source = gst_pad_get_parent_element(pad) {
            withoutPicture = 0
            let type = parts.last?.type ?? ""
            ww_post_error(
                source, "its parts are no JPEG pictures (\(type.prefix(64))); expected image/jpeg in each part")
            gst_object_unref(source)
        }
        guard !pictures.isEmpty else { return GST_PAD_PROBE_DROP }
        pictures.withUnsafeBytes { ww_probe_set_bytes(info, $0.baseAddress, gsize($0.count)) }
        return GST_PAD_PROBE_OK
    }

    /// Makes the parser if an HTTP answer that begins is multipart.
    private func answered(_ event: UnsafeMutablePointer<GstEvent>) {
        guard ww_event_type(event) == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, let text = ww_http_content_type(event) else {
            return
        }
        defer { g_free(text) }
        parser = MultipartParser.boundary(of: String(cString: text)).map { MultipartParser(boundary: $0) }
        if parser != nil { times.takeByArrival() }
    }

    /// Returns true if a multipart part is a complete JPEG, whatever its media type.
    private static func isPicture(_ part: MultipartParser.Part) -> Bool {
        part.body.starts(with: [0xFF, 0xD8]) && MultipartParser.hasEnd(part.body[...])
    }
}
