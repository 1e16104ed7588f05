import CGStreamer

/// Stands before GStreamer's demuxer of MP4 and QuickTime, which reads the whole `moov` box of a file at once.
enum PreviewTap {
    static func attach(to pipeline: UnsafeMutablePointer<GstElement>) {
        ww_watch_elements(
            pipeline,
            { _, _, element, _ in
                guard let element else { return }
                ww_end_reading(element)
                guard ww_is_made_by(element, "qtdemux") != 0, let pad = gst_element_get_static_pad(element, "sink")
                else { return }
                defer { gst_object_unref(pad) }
                let kinds = GST_PAD_PROBE_TYPE_BUFFER.rawValue | GST_PAD_PROBE_TYPE_PULL.rawValue
                gst_pad_add_probe(
                    pad, GstPadProbeType(rawValue: kinds),
                    { _, info, _ in
                        if let info { PreviewTap.probe(info) }
                        return GST_PAD_PROBE_OK
                    }, nil, nil)
            }, nil)
    }

    private static func probe(_ info: UnsafeMutablePointer<GstPadProbeInfo>) {
        guard let buffer = ww_probe_buffer(info) else { return }
        var map = GstMapInfo()
        guard gst_buffer_map(buffer, &map, GST_MAP_READ) != 0 else { return }
        let bytes = UnsafeRawBufferPointer(start: map.data, count: Int(map.size))
        let isMovie = bytes.count > 8 && bytes[4..<8].elementsEqual("moov".utf8)
        let misleading = isMovie ? PreviewTrack.misleadingLength(bytes) : nil
        gst_buffer_unmap(buffer, &map)
        guard let misleading else { return }
        let nothing = [UInt8](repeating: 0, count: misleading.count)
        nothing.withUnsafeBytes {
            ww_probe_write(info, gsize(misleading.lowerBound), $0.baseAddress, gsize($0.count))
        }
    }
}
