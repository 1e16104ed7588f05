import CGStreamer
import Foundation
import Sampling
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
        guard let sink = ww_bin_get_app_sink(parsed, "frames") else {
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

extension Pipeline {
    /// The format of the video that the sink gets; nil before its first picture.
    var format: SourceFormat? {
        guard let shown = Self.caps(of: sink), shown.width > 0, shown.height > 0 else { return nil }
        var (coded, decoder): (CapsFacts?, String?)
        let elements = ww_list_elements(element)
        defer { ww_free_elements(elements) }
        var next = elements
        while let entry = next, decoder == nil {
            if let element = ww_element_of(entry), ww_is_video_decoder(element) != 0 {
                coded = Self.caps(of: element)
                decoder = coded == nil ? nil : String(cString: ww_factory_name(element))
            }
            next = UnsafeMutablePointer(entry.pointee.next)
        }
        return SourceFormat(
            coded: coded?.name, decoder: decoder, width: shown.width, height: shown.height,
            fps: [coded?.fps, shown.fps].lazy.compactMap(\.self).first { $0 > 0 })
    }

    private typealias CapsFacts = (name: String, width: Int, height: Int, fps: Double?)

    /// Returns the format that flows into an element's sink pad; nil if nothing does yet.
    private static func caps(of element: UnsafeMutablePointer<GstElement>) -> CapsFacts? {
        guard let pad = gst_element_get_static_pad(element, "sink") else { return nil }
        defer { gst_object_unref(pad) }
        guard let caps = gst_pad_get_current_caps(pad) else { return nil }
        defer { ww_unref_caps(caps) }
        guard gst_caps_get_size(caps) > 0, let first = gst_caps_get_structure(caps, 0),
            let name = gst_structure_get_name(first)
        else { return nil }
        var (width, height, frames, seconds): (gint, gint, gint, gint) = (0, 0, 0, 0)
        gst_structure_get_int(first, "width", &width)
        gst_structure_get_int(first, "height", &height)
        gst_structure_get_fraction(first, "framerate", &frames, &seconds)
        return (
            name: String(cString: name), width: Int(width), height: Int(height),
            fps: frames > 0 && seconds > 0 ? Double(frames) / Double(seconds) : nil
        )
    }
}
