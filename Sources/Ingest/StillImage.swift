import CGStreamer
import CPlatform
package import Foundation
package import Pixels

/// Still pictures (PNG, JPEG and whatever else GStreamer decodes), resized for the encoder.
package enum StillImage {
    /// Reads a file.
    ///
    /// Waits for the decoder: call it where waiting is allowed.
    package static func picture(file path: String, framing: Framing) throws(SourceError) -> Picture {
        guard FileManager.default.fileExists(atPath: path) else { throw SourceError("\(path): there is no such file") }
        return try decode(path, shown: path, framing: framing)
    }

    /// The same in CLIP's own framing.
    package static func picture(file path: String, side: Int) throws(SourceError) -> Picture {
        try picture(file: path, framing: Framing(side: side))
    }

    /// The same in CLIP's own framing.
    package static func picture(bytes: Data, shown: String, side: Int) throws(SourceError) -> Picture {
        try picture(bytes: bytes, shown: shown, framing: Framing(side: side))
    }

    /// Decodes the bytes of a picture's file; `shown` names it in errors.
    package static func picture(bytes: Data, shown: String, framing: Framing) throws(SourceError) -> Picture {
        // A file in memory: the decoders that GStreamer finds by content want to seek.
        let descriptor = ww_memory_file("watchword.picture")
        guard descriptor >= 0 else { throw SourceError("\(shown): there is no memory to decode it") }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do { try file.write(contentsOf: bytes) } catch {
            throw SourceError("\(shown): there is no memory to decode it")
        }
        return try decode("/proc/self/fd/\(descriptor)", shown: shown, framing: framing)
    }

    private static func decode(_ path: String, shown: String, framing: Framing) throws(SourceError) -> Picture {
        let quoted = path.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let pipeline = try Pipeline(
            "filesrc location=\"\(quoted)\" ! decodebin ! videoconvert ! video/x-raw,format=RGB ! appsink name=frames sync=false",
            shown: shown)
        gst_element_set_state(pipeline.element, GST_STATE_PLAYING)
        var sample: OpaquePointer?
        let deadline = ContinuousClock.now + .seconds(10)
        while sample == nil, ContinuousClock.now < deadline, !pipeline.hasFailed {
            sample = ww_app_sink_wait(pipeline.sink, 50_000_000)
        }
        guard let sample else { throw SourceError("\(shown): it is no picture that GStreamer can decode") }
        defer { ww_unref_sample(sample) }
        let resizer = Resizer(framing)
        let picture = Pipeline.withFrame(sample) { resizer.picture($0) }
        guard let picture else { throw SourceError("\(shown): it is no picture") }
        return picture
    }
}

extension Pipeline {
    /// Whether an error waits on the bus; it is taken off.
    fileprivate var hasFailed: Bool {
        guard let bus = gst_element_get_bus(element) else { return true }
        defer { gst_object_unref(bus) }
        guard let message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR) else { return false }
        ww_unref_message(message)
        return true
    }
}
