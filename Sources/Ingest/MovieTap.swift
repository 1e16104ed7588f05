import CGStreamer
import Foundation
import Pixels

/// Reads the index of MP4 and QuickTime as it comes to `qtdemux`, and answers how a track's pictures are to be shown.
// @unchecked: `lock` guards what changes
final class MovieTap: @unchecked Sendable {
    private let lock = NSLock()
    private var displays: [UInt32: TrackDisplay] = [:]
    private var scanner = MovieScanner()
    private var isDone = false
    private let handOver = HandOver()

    /// Watches for the demuxer; the pipeline must not outlive the tap.
    func attach(to pipeline: Pipeline) {
        handOver.pass()
        ww_watch_elements(
            pipeline.element,
            { _, _, element, user in
                guard let element, let user, ww_is_made_by(element, "qtdemux") != 0 else { return }
                Unmanaged<MovieTap>.fromOpaque(user).takeUnretainedValue().watch(element)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// What the track asks for whose stream begins with the event; nil if it is of no such film.
    func display(_ streamStart: UnsafeMutablePointer<GstEvent>) -> TrackDisplay? {
        var name: UnsafePointer<gchar>?
        gst_event_parse_stream_start(streamStart, &name)
        // `qtdemux` ends the stream's name with the track's number.
        guard let name, let last = String(cString: name).split(separator: "/").last, let number = UInt32(last)
        else { return nil }
        return lock.withLock { displays[number] }
    }

    private func watch(_ demuxer: UnsafeMutablePointer<GstElement>) {
        handOver.take()
        guard let pad = gst_element_get_static_pad(demuxer, "sink") else { return }
        defer { gst_object_unref(pad) }
        gst_pad_add_probe(
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            { pad, info, user in
                guard let pad, let info, let user, let buffer = ww_probe_buffer(info) else { return GST_PAD_PROBE_OK }
                Unmanaged<MovieTap>.fromOpaque(user).takeUnretainedValue().see(
                    buffer, isPulled: pad.pointee.mode == GST_PAD_MODE_PULL)
                return GST_PAD_PROBE_OK
            }, Unmanaged.passUnretained(self).toOpaque(), nil)
    }

    /// Of a file the demuxer asks for the index as a whole; of what is sent, all comes one after the other.
    private func see(_ buffer: UnsafeMutablePointer<GstBuffer>, isPulled: Bool) {
        guard lock.withLock({ !isDone }) else { return }
        var map = GstMapInfo()
        guard gst_buffer_map(buffer, &map, GST_MAP_READ) != 0 else { return }
        defer { gst_buffer_unmap(buffer, &map) }
        let bytes = UnsafeRawBufferPointer(start: map.data, count: Int(map.size))
        let offset = UInt64(buffer.pointee.offset)
        lock.withLock {
            // Each piece that is asked for stands for itself.
            if isPulled { scanner = MovieScanner() }
            guard let index = scanner.take(bytes, at: offset == .max ? nil : offset) else { return }
            displays = MovieHeader.displays(in: index)
            scanner = MovieScanner()
            isDone = true
        }
    }
}

extension PictureOrientation {
    /// The orientation that a tag event carries; nil if it says nothing of it.
    init?(_ event: UnsafeMutablePointer<GstEvent>) {
        guard let value = ww_orientation_tag(event) else { return nil }
        defer { g_free(value) }
        self.init(tag: String(cString: value))
    }
}
