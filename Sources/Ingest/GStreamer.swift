import CGStreamer

/// GStreamer as a whole.
package enum GStreamer {
    private static let outcome: String? = {
        var error: UnsafeMutablePointer<GError>?
        guard gst_init_check(nil, nil, &error) == 0 else { return nil }
        defer { g_clear_error(&error) }
        return error.map { String(cString: $0.pointee.message) } ?? "unknown error"
    }()

    /// Starts GStreamer, once for the process.
    package static func initialize() throws(SourceError) {
        if let outcome { throw SourceError("GStreamer cannot start: \(outcome)") }
    }

    package static var version: String {
        guard let text = gst_version_string() else { return "?" }
        defer { g_free(text) }
        return String(cString: text)
    }

    /// Whether an element can be made: what `doctor` asks.
    package static func hasElement(_ name: String) -> Bool {
        guard (try? initialize()) != nil, let factory = gst_element_factory_find(name) else { return false }
        ww_unref_factory(factory)
        return true
    }
}

/// A pipeline made from a launch line, with the sink called `frames` in it. Owned by one `VideoSource`.
// @unchecked: GStreamer's objects are thread-safe, and the pointers never change
final class Pipeline: @unchecked Sendable {
    let element: UnsafeMutablePointer<GstElement>
    let sink: UnsafeMutablePointer<GstElement>
    /// The element before which frames are dropped: called `convert`, or else the sink itself.
    let sampling: UnsafeMutablePointer<GstElement>

    init(_ line: String, shown: String) throws(SourceError) {
        try GStreamer.initialize()
        var error: UnsafeMutablePointer<GError>?
        let parsed = gst_parse_launch_full(line, nil, GST_PARSE_FLAG_FATAL_ERRORS, &error)
        defer { g_clear_error(&error) }
        guard let parsed else {
            let why = error.map { String(cString: $0.pointee.message) } ?? "unknown error"
            throw SourceError("\(shown): GStreamer cannot make a pipeline of it: \(why)")
        }
        gst_object_ref_sink(parsed)  // was floating: now ours
        guard let sink = ww_bin_get(parsed, "frames"), ww_is_app_sink(sink) != 0 else {
            gst_object_unref(parsed)
            throw SourceError(
                "\(shown): the launch line must end in an appsink called frames (\"appsink name=frames\")")
        }
        ww_decode_video_only(parsed)
        element = parsed
        self.sink = sink
        sampling = ww_bin_get(parsed, "convert") ?? sink
        if sampling == sink { gst_object_ref(sink) }
    }

    deinit {
        gst_element_set_state(element, GST_STATE_NULL)
        gst_object_unref(sink)
        gst_object_unref(sampling)
        gst_object_unref(element)
    }

    /// Width, height and the mapped pixels of a sample in RGB; nil if it is something else.
    static func withPixels<R>(
        _ sample: OpaquePointer, _ body: (UnsafeRawBufferPointer, _ width: Int, _ height: Int, _ stride: Int) -> R
    ) -> R? {
        guard let buffer = gst_sample_get_buffer(sample), let caps = gst_sample_get_caps(sample) else { return nil }
        var info = GstVideoInfo()
        guard gst_video_info_from_caps(&info, caps) != 0 else { return nil }
        guard info.finfo.pointee.format == GST_VIDEO_FORMAT_RGB else { return nil }
        var frame = GstVideoFrame()
        guard ww_frame_map(&frame, &info, buffer) != 0 else { return nil }
        defer { gst_video_frame_unmap(&frame) }
        guard let pixels = ww_frame_pixels(&frame) else { return nil }
        let (width, height) = (Int(ww_frame_width(&frame)), Int(ww_frame_height(&frame)))
        let stride = Int(ww_frame_stride(&frame))
        guard width > 0, height > 0, stride >= width * 3 else { return nil }
        let bytes = UnsafeRawBufferPointer(start: pixels, count: stride * (height - 1) + width * 3)
        return body(bytes, width, height, stride)
    }
}
