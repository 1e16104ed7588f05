import CGStreamer
import Sampling
import SystemSupport

/// Records the coded pictures that reach a pipeline's video decoders, by GStreamer probes.
///
/// `memory` gets their hashes. `units` gets a copy of each coded picture once the source is found to be live.
// @unchecked: all properties are constants, and `memory` and `units` are thread-safe
final class UnitTap: @unchecked Sendable {
    private let memory: UnitMemory
    private let units: (any UnitTaker)?
    private let isLive: () -> Bool
    private let order = HappensBefore()

    /// `isLive` is called on streaming threads.
    init(_ memory: UnitMemory, units: (any UnitTaker)? = nil, isLive: @escaping @Sendable () -> Bool = { false }) {
        (self.memory, self.units, self.isLive) = (memory, units, isLive)
    }

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
        let probe = UnitProbe(memory, units, isLive)
        gst_pad_add_probe(
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            { pad, info, user in
                guard let pad, let info, let user, let buffer = ww_probe_buffer(info) else { return GST_PAD_PROBE_OK }
                Unmanaged<UnitProbe>.fromOpaque(user).takeUnretainedValue().take(buffer, pad)
                return GST_PAD_PROBE_OK
            }, Unmanaged.passRetained(probe).toOpaque(),
            { user in if let user { Unmanaged<UnitProbe>.fromOpaque(user).release() } })
    }
}

/// The probe of one decoder's sink pad; used on the pad's streaming thread.
private final class UnitProbe {
    private let memory: UnitMemory
    private let units: (any UnitTaker)?
    private let isLive: () -> Bool
    /// Made with the first unit of a live source: a film has no session.
    private var copier: UnitCopier?

    init(_ memory: UnitMemory, _ units: (any UnitTaker)?, _ isLive: @escaping () -> Bool) {
        (self.memory, self.units, self.isLive) = (memory, units, isLive)
    }

    func take(_ buffer: UnsafeMutablePointer<GstBuffer>, _ pad: UnsafeMutablePointer<GstPad>) {
        let pts = buffer.pointee.pts
        memory.observe(UInt64(ww_unit_hash(buffer)), at: pts == ww_no_time() ? nil : UInt64(pts))
        guard let units, isLive() else { return }
        if copier == nil { copier = UnitCopier(units) }
        copier?.take(buffer, pad)
    }
}
