import CGStreamer
import Sampling

/// Records the coded pictures that reach a pipeline's video decoders in a `UnitMemory`, by GStreamer probes.
// @unchecked: all properties are constants, and `memory` is thread-safe
final class UnitTap: @unchecked Sendable {
    private let memory: UnitMemory
    private let order = HappensBefore()

    init(_ memory: UnitMemory) { self.memory = memory }

    /// Adds a probe to each video decoder of a pipeline, also later ones; the pipeline must not outlive this object.
    func attach(to pipeline: Pipeline) {
        memory.begin()
        order.pass()
        ww_watch_elements(
            pipeline.element,
            { _, _, element, user in
                guard let element, let user, ww_is_video_decoder(element) != 0 else { return }
                Unmanaged<UnitTap>.fromOpaque(user).takeUnretainedValue().found(element)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func found(_ decoder: UnsafeMutablePointer<GstElement>) {
        order.take()
        guard let pad = gst_element_get_static_pad(decoder, "sink") else { return }
        defer { gst_object_unref(pad) }
        gst_pad_add_probe(
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            { _, info, user in
                guard let info, let user, let buffer = ww_probe_buffer(info) else { return GST_PAD_PROBE_OK }
                let pts = buffer.pointee.pts
                Unmanaged<UnitMemory>.fromOpaque(user).takeUnretainedValue().observe(
                    UInt64(ww_unit_hash(buffer)), at: pts == ww_no_time() ? nil : UInt64(pts))
                return GST_PAD_PROBE_OK
            }, Unmanaged.passRetained(memory).toOpaque(),
            { user in if let user { Unmanaged<UnitMemory>.fromOpaque(user).release() } })
    }
}
