import CGStreamer
import Foundation
import StreamSources

/// A GStreamer pipeline made from a launch line with an `appsink name=frames`; owned by one `VideoSource`.
// @unchecked: GStreamer's objects are thread-safe, and the pointers never change
final class Pipeline: @unchecked Sendable {
    let element: UnsafeMutablePointer<GstElement>
    let sink: UnsafeMutablePointer<GstElement>
    /// The element before which decoded frames are dropped: the one called `convert`, or else the sink.
    let sampling: UnsafeMutablePointer<GstElement>

    /// Makes a pipeline from a launch line that already contains its source; `shown` names it in errors.
    convenience init(_ line: String, shown: String) throws(SourceError) {
        try self.init(.init(template: "", line: line, uri: nil), policy: nil, shown: shown)
    }

    /// Makes a pipeline from a launch line and its URI; throws if the policy forbids an element or what it opens.
    init(_ recipe: PipelineTemplates.Recipe, policy: SourcePolicy?, shown: String) throws(SourceError) {
        try GStreamer.initialize()
        var error: UnsafeMutablePointer<GError>?
        let parsed = gst_parse_launch_full(recipe.line, nil, GST_PARSE_FLAG_FATAL_ERRORS, &error)
        defer { g_clear_error(&error) }
        guard let parsed else {
            let why = error.map { String(cString: $0.pointee.message) } ?? "unknown error"
            throw SourceError("\(shown): GStreamer cannot make a pipeline of it: \(why)")
        }
        gst_object_ref_sink(parsed)  // was floating: now ours
        do throws(SourceError) { try PipelineSource.prepare(parsed, recipe, policy, shown) } catch {
            gst_object_unref(parsed)
            throw error
        }
        guard let sink = ww_bin_get(parsed, "frames"), ww_is_app_sink(sink) != 0 else {
            gst_object_unref(parsed)
            throw SourceError(
                "\(shown): the launch line must end in an appsink called frames (\"appsink name=frames\")")
        }
        ww_decode_video_only(parsed)
        SizeGuard.attach(to: parsed)
        DirectRendering.restrict(in: parsed)
        ww_watch_elements(parsed, { _, _, element, _ in if let element { ww_end_reading(element) } }, nil)
        // The sink accepts the formats that decoders output: `Pixels` converts only the rows that it reads.
        ww_app_sink_set_caps(sink, "video/x-raw,format=(string){I420,NV12,RGB,Y42B,Y444,Y41B,GRAY8}")
        ww_app_sink_take_as_decoded(sink)
        element = parsed
        self.sink = sink
        sampling = ww_bin_get(parsed, "convert") ?? sink
        if sampling == sink { gst_object_ref(sink) }
    }

    /// Records error messages of elements that GStreamer's decoding bins do not forward to the bus.
    func noteErrors() {
        ww_watch_elements(
            element,
            { _, _, added, user in
                guard let added, let user else { return }
                ww_note_errors(user.assumingMemoryBound(to: GstElement.self), added)
            }, UnsafeMutableRawPointer(element))
    }

    /// Returns the last recorded error message, or nil; the caller owns it and must call `ww_unref_message`.
    func notedError() -> UnsafeMutablePointer<GstMessage>? { ww_noted_error(element) }

    deinit {
        gst_element_set_state(element, GST_STATE_NULL)
        gst_object_unref(sink)
        gst_object_unref(sampling)
        gst_object_unref(element)
    }
}
