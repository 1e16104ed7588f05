import CGStreamer
import Synchronization

/// Counts a pipeline's progress, to distinguish a pipeline that hangs from a slow one.
///
/// Progress is bytes read for the first time, coded pictures that reach a decoder, and decoded pictures. Reading the
/// same bytes again is no progress.
// @unchecked: only atomics change
final class FlowMeter: @unchecked Sendable {
    private let count = Atomic<UInt64>(0)
    /// The number of frames that the consumer has received and still works on.
    private let taken = Atomic<Int>(0)

    /// A counter that changes with each progress of the pipeline.
    var progress: UInt64 { count.load(ordering: .relaxed) }
    /// True while the consumer works on a frame, so that the pipeline must wait.
    var isHeld: Bool { taken.load(ordering: .relaxed) > 0 }

    func step() { count.wrappingAdd(1, ordering: .relaxed) }

    func whileTaken(_ body: () -> Void) {
        taken.wrappingAdd(1, ordering: .relaxed)
        body()
        taken.wrappingSubtract(1, ordering: .relaxed)
        step()
    }

    /// Watches the pipeline's source elements and decoders, also later ones; it must not outlive this object.
    func attach(to pipeline: UnsafeMutablePointer<GstElement>) {
        let me = Unmanaged.passUnretained(self).toOpaque()
        ww_watch_elements(
            pipeline,
            { _, _, element, user in
                guard let element, let user else { return }
                let meter = Unmanaged<FlowMeter>.fromOpaque(user).takeUnretainedValue()
                if ww_is_source(element) != 0 { meter.watch(element, "src") }
                if ww_is_video_decoder(element) != 0 { meter.watch(element, "sink") }
            }, me)
    }

    private func watch(_ element: UnsafeMutablePointer<GstElement>, _ name: String) {
        guard let pad = gst_element_get_static_pad(element, name) else { return }
        defer { gst_object_unref(pad) }
        let kinds =
            GST_PAD_PROBE_TYPE_BUFFER.rawValue | GST_PAD_PROBE_TYPE_PUSH.rawValue | GST_PAD_PROBE_TYPE_PULL.rawValue
        gst_pad_add_probe(
            pad, GstPadProbeType(rawValue: kinds),
            { _, info, user in
                guard let info, let user else { return GST_PAD_PROBE_OK }
                Unmanaged<Furthest>.fromOpaque(user).takeUnretainedValue().passed(info)
                return GST_PAD_PROBE_OK
            }, Unmanaged.passRetained(Furthest(self)).toOpaque(),
            { user in if let user { Unmanaged<Furthest>.fromOpaque(user).release() } })
    }

    /// Counts the progress at one pad; for a pad that is read by offset, only bytes beyond all earlier ones count.
    private final class Furthest: Sendable {
        private let meter: FlowMeter
        private let offset = Atomic<UInt64>(0)

        init(_ meter: FlowMeter) { self.meter = meter }

        func passed(_ info: UnsafeMutablePointer<GstPadProbeInfo>) {
            let isPulled = info.pointee.type.rawValue & GST_PAD_PROBE_TYPE_PULL.rawValue != 0
            if isPulled {
                let end = UInt64(info.pointee.offset) &+ UInt64(info.pointee.size)
                guard end > offset.load(ordering: .relaxed) else { return }
                offset.store(end, ordering: .relaxed)
            }
            meter.step()
        }
    }
}
