import CGStreamer
import StreamSources

extension RTSPTransport {
    /// The bits of this transport in the property `protocols` of GStreamer's `rtspsrc`.
    private var bits: Int32 {
        switch self {
        case .udp: 0x1
        case .multicast: 0x2
        case .auto, .tcp: 0x4
        case .http: 0x14
        }
    }

    /// Sets this transport on the pipeline's element `source`, if that is an `rtspsrc`.
    func apply(to pipeline: UnsafeMutablePointer<GstElement>) {
        guard let source = ww_bin_get(pipeline, "source") else { return }
        defer { gst_object_unref(source) }
        if ww_has_property(source, "protocols") != 0 { ww_set_int(source, "protocols", bits) }
    }

    /// Returns true if the error means that the camera refuses the requested transport.
    static func isRefused(_ report: SourceReport) -> Bool {
        report.status == 461 || report.sentence.contains("allow more transport protocols")
    }
}
