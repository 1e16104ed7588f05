import CGStreamer

/// Lets libav's decoders write directly into GStreamer's buffers only for picture formats that GStreamer supports.
///
/// For others (JPEG with 4:1:1 or 4:4:0, grey H.265 with 12 bits), GStreamer 1.22 then creates a null pointer, which
/// crashes the process. Without direct rendering it refuses them with an error.
enum DirectRendering {
    /// Restricts direct rendering in the decoders that the pipeline has now or adds later.
    static func restrict(in pipeline: UnsafeMutablePointer<GstElement>) {
        ww_watch_elements(
            pipeline,
            { _, _, element, _ in
                guard let element, String(cString: ww_factory_name(element)).hasPrefix("avdec_"),
                    ww_has_property(element, "direct-rendering") != 0,
                    let pad = gst_element_get_static_pad(element, "sink")
                else { return }
                defer { gst_object_unref(pad) }
                ww_set_int(element, "direct-rendering", 0)
                gst_pad_add_probe(
                    pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
                    { pad, info, _ in
                        if let pad, let info, let event = ww_probe_event(info) { DirectRendering.observe(event, pad) }
                        return GST_PAD_PROBE_OK
                    }, nil, nil)
            }, nil)
    }

    /// Allows direct rendering if the stream's caps state 4:2:0 with 8 bits, as nearly all do; else forbids it.
    private static func observe(_ event: UnsafeMutablePointer<GstEvent>, _ pad: UnsafeMutablePointer<GstPad>) {
        guard ww_event_type(event) == GST_EVENT_CAPS, let decoder = gst_pad_get_parent_element(pad) else { return }
        defer { gst_object_unref(decoder) }
        ww_set_int(decoder, "direct-rendering", isUsual(event) ? 1 : 0)
    }

    private static func isUsual(_ event: UnsafeMutablePointer<GstEvent>) -> Bool {
        var caps: UnsafeMutablePointer<GstCaps>?
        gst_event_parse_caps(event, &caps)
        guard let caps, gst_caps_get_size(caps) > 0, let first = gst_caps_get_structure(caps, 0),
            let chroma = gst_structure_get_string(first, "chroma-format"), String(cString: chroma) == "4:2:0"
        else { return false }
        var depth: guint = 0
        return gst_structure_get_uint(first, "bit-depth-luma", &depth) != 0 && depth == 8
    }
}
