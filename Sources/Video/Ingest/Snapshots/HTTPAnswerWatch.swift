import CGStreamer
import StreamSources

/// Posts a bus message when a pipeline's HTTP source receives a single picture instead of a film.
enum HTTPAnswerWatch {
    /// The name of the bus message that says that a single picture arrived.
    static let onePicture = "watchword-one-picture"

    /// Watches the HTTP sources that a pipeline has now or adds later.
    static func attach(to pipeline: UnsafeMutablePointer<GstElement>) {
        ww_watch_elements(
            pipeline,
            { _, _, element, _ in
                guard let element, ww_is_http_source(element) != 0,
                    let pad = gst_element_get_static_pad(element, "src")
                else { return }
                defer { gst_object_unref(pad) }
                gst_pad_add_probe(
                    pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
                    { pad, info, _ in
                        guard let pad, let info, let event = ww_probe_event(info),
                            let type = ww_answered_type(event)
                        else { return GST_PAD_PROBE_OK }
                        defer { g_free(type) }
                        guard ContentType(String(cString: type)) == .picture else { return GST_PAD_PROBE_OK }
                        if let source = gst_pad_get_parent_element(pad) {
                            ww_post_answer(source, HTTPAnswerWatch.onePicture, event)
                            gst_object_unref(source)
                        }
                        return GST_PAD_PROBE_OK
                    }, nil, nil)
            }, nil)
    }
}
