import CGStreamer
import StreamSources

extension RTSPTransport {
    /// Bits of rtspsrc's property `protocols`.
    private var bits: Int32 {
        switch self {
        case .udp: 0x1
        case .multicast: 0x2
        case .auto, .tcp: 0x4
        case .http: 0x14
        }
    }

    /// Tells a pipeline's rtspsrc, if it has one that is called `source`.
    func apply(to pipeline: UnsafeMutablePointer<GstElement>) {
        guard let source = ww_bin_get(pipeline, "source") else { return }
        defer { gst_object_unref(source) }
        if ww_has_property(source, "protocols") != 0 { ww_set_int(source, "protocols", bits) }
    }

    /// Whether a failure says that the camera does not take what was asked for.
    static func isRefused(_ report: SourceReport) -> Bool {
        report.status == 461 || report.sentence.contains("allow more transport protocols")
    }
}
