import CGStreamer
import Pixels

/// Ends a source before its video decoder allocates memory for pictures that are too large, by probes at the decoder.
///
/// The size is what GStreamer's parsers read from the stream; without a parser, it is read from each coded picture.
/// The container's size may be wrong.
// @unchecked: only used by the decoder's streaming thread, which holds the pad's stream lock
final class SizeGuard: @unchecked Sendable {
    /// The greatest number of pixels of a picture: 8K (7680 x 4320), as in level 6.2 of H.264 and H.265.
    static let maxPixels = 36_000_000
    /// The number of bytes at the beginning of a coded picture in which its header is searched.
    private static let headerBytes = 1 << 18

    /// The media type of the coded pictures if their size is read from their own headers; else nil.
    private var unit: String?
    private var tooLarge: (width: Int, height: Int)?
    private var isRefused = false

    /// Adds the probes to every video decoder that the pipeline has now or adds later.
    static func attach(to pipeline: UnsafeMutablePointer<GstElement>) {
        ww_watch_elements(
            pipeline,
            { _, _, element, _ in
                guard let element, ww_is_video_decoder(element) != 0 else { return }
                let size = SizeGuard()
                size.watch(element, "sink", GST_PAD_PROBE_TYPE_BUFFER.rawValue)
                size.watch(element, "src", 0)
            }, nil)
    }

    private func watch(_ decoder: UnsafeMutablePointer<GstElement>, _ name: String, _ kinds: UInt32) {
        guard let pad = gst_element_get_static_pad(decoder, name) else { return }
        defer { gst_object_unref(pad) }
        gst_pad_add_probe(
            pad, GstPadProbeType(rawValue: kinds | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM.rawValue),
            { pad, info, user in
                guard let pad, let info, let user else { return GST_PAD_PROBE_OK }
                return Unmanaged<SizeGuard>.fromOpaque(user).takeUnretainedValue().probe(info, of: pad)
            }, Unmanaged.passRetained(self).toOpaque(),
            { user in if let user { Unmanaged<SizeGuard>.fromOpaque(user).release() } })
    }

    private func probe(
        _ info: UnsafeMutablePointer<GstPadProbeInfo>, of pad: UnsafeMutablePointer<GstPad>
    ) -> GstPadProbeReturn {
        if let event = ww_probe_event(info) {
            guard ww_event_type(event) == GST_EVENT_CAPS, let size = announced(event) else { return GST_PAD_PROBE_OK }
            tooLarge = Self.isTooLarge(size) ? size : nil
            // At a decoder's output the source fails at once. At its input it fails with the first unit, since
            // decodebin hides errors of elements that it is just linking; until then nothing is allocated.
            if let tooLarge, gst_pad_get_direction(pad) == GST_PAD_SRC { refuse(tooLarge, pad) }
            return GST_PAD_PROBE_OK
        }
        if let unit, let buffer = ww_probe_buffer(info), let size = Self.size(of: buffer, unit),
            Self.isTooLarge(size)
        {
            tooLarge = size
        }
        guard let tooLarge else { return GST_PAD_PROBE_OK }
        refuse(tooLarge, pad)
        return GST_PAD_PROBE_DROP
    }

    private static func isTooLarge(_ size: (width: Int, height: Int)) -> Bool {
        size.width > maxPixels / max(size.height, 1)
    }

    /// Posts an error that ends the pipeline, at the first call only.
    private func refuse(_ size: (width: Int, height: Int), _ pad: UnsafeMutablePointer<GstPad>) {
        guard !isRefused, let decoder = gst_pad_get_parent_element(pad) else { return }
        isRefused = true
        ww_post_error(decoder, Self.sentence(size))
        gst_object_unref(decoder)
    }

    private static func sentence(_ size: (width: Int, height: Int)) -> String {
        "its pictures have \(size.width) x \(size.height) pixels, at most \(maxPixels / 1_000_000) million (8K) are decoded;"
            + " make them smaller"
    }

    private func announced(_ event: UnsafeMutablePointer<GstEvent>) -> (width: Int, height: Int)? {
        var (width, height, isParsed) = (gint(0), gint(0), gboolean(0))
        guard let text = ww_caps_size(event, &width, &height, &isParsed) else { return nil }
        defer { g_free(text) }
        let name = String(cString: text)
        if !name.hasPrefix("video/x-raw") {
            // Only the decoder's input has coded pictures; their headers are read if no parser has done so.
            unit = name == "video/x-vp8" || name.hasPrefix("image/") && isParsed == 0 ? name : nil
        }
        return width > 0 && height > 0 ? (Int(width), Int(height)) : nil
    }

    /// Returns the size in a coded picture's header; nil if it has none.
    private static func size(of buffer: UnsafeMutablePointer<GstBuffer>, _ unit: String) -> (width: Int, height: Int)? {
        var map = GstMapInfo()
        guard gst_buffer_map(buffer, &map, GST_MAP_READ) != 0 else { return nil }
        defer { gst_buffer_unmap(buffer, &map) }
        guard let data = map.data else { return nil }
        let isVP8 = unit == "video/x-vp8"
        let head = [UInt8](UnsafeBufferPointer(start: data, count: min(Int(map.size), isVP8 ? 10 : headerBytes)))
        return isVP8 ? PictureHeader.size(vp8: head) : PictureHeader.size(beginning: head)
    }
}
