import CGStreamer
import Containers
import Foundation
import Pixels

/// Reads the index (`moov`) of MP4 and QuickTime films on its way to GStreamer's `qtdemux`.
///
/// The index tells how a track's pictures are displayed. It is changed if `qtdemux` would skip all video as previews.
// @unchecked: `lock` guards what changes
final class MovieTap: @unchecked Sendable {
    private let lock = NSLock()
    private var displays: [UInt32: TrackDisplay] = [:]
    private var scanner = MovieScanner()
    private var isDone = false
    private let order = HappensBefore()

    /// Adds a probe to the pipeline's `qtdemux` when it is added; the pipeline must not outlive this object.
    func attach(to pipeline: Pipeline) {
        order.pass()
        ww_watch_elements(
            pipeline.element,
            { _, _, element, user in
                guard let element, let user, ww_is_made_by(element, "qtdemux") != 0 else { return }
                Unmanaged<MovieTap>.fromOpaque(user).takeUnretainedValue().watch(element)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Returns how the track that begins with this event is displayed; nil for containers other than MP4 and QuickTime.
    func display(_ streamStart: UnsafeMutablePointer<GstEvent>) -> TrackDisplay? {
        var name: UnsafePointer<gchar>?
        gst_event_parse_stream_start(streamStart, &name)
        // `qtdemux` ends the stream's name with the track's number.
        guard let name, let last = String(cString: name).split(separator: "/").last, let number = UInt32(last)
        else { return nil }
        return lock.withLock { displays[number] }
    }

    private func watch(_ demuxer: UnsafeMutablePointer<GstElement>) {
        order.take()
        guard let pad = gst_element_get_static_pad(demuxer, "sink") else { return }
        defer { gst_object_unref(pad) }
        gst_pad_add_probe(
            pad, GstPadProbeType(rawValue: GST_PAD_PROBE_TYPE_BUFFER.rawValue | GST_PAD_PROBE_TYPE_PULL.rawValue),
            { pad, info, user in
                guard let pad, let info, let user else { return GST_PAD_PROBE_OK }
                Unmanaged<MovieTap>.fromOpaque(user).takeUnretainedValue().see(
                    info, isPulled: pad.pointee.mode == GST_PAD_MODE_PULL)
                return GST_PAD_PROBE_OK
            }, Unmanaged.passUnretained(self).toOpaque(), nil)
    }

    /// Reads a buffer that goes to the demuxer: from a file it pulls the whole index, from a network it gets pieces.
    private func see(_ info: UnsafeMutablePointer<GstPadProbeInfo>, isPulled: Bool) {
        guard let buffer = ww_probe_buffer(info), lock.withLock({ !isDone }) else { return }
        var map = GstMapInfo()
        guard gst_buffer_map(buffer, &map, GST_MAP_READ) != 0 else { return }
        let bytes = UnsafeRawBufferPointer(start: map.data, count: Int(map.size))
        let offset = UInt64(buffer.pointee.offset)
        let beginsIndex = bytes.count >= 8 && bytes[4..<8].elementsEqual("moov".utf8)
        let index: [UInt8]? = lock.withLock {
            // Each buffer that the demuxer pulls is read independently of the ones before.
            if isPulled { scanner = MovieScanner() }
            guard let index = scanner.take(bytes, at: offset == .max ? nil : offset) else { return nil }
            displays = MovieHeader.displays(in: index)
            scanner = MovieScanner()
            isDone = true
            return index
        }
        gst_buffer_unmap(buffer, &map)
        // An index from a network cannot be changed any more: some of its pieces have been passed on.
        guard isPulled, beginsIndex, let length = index.flatMap({ PreviewTrack.misleadingLength(in: $0) }) else {
            return
        }
        let nothing = [UInt8](repeating: 0, count: length.count)
        nothing.withUnsafeBytes { ww_probe_write(info, gsize(length.lowerBound), $0.baseAddress, gsize($0.count)) }
    }
}

extension PictureOrientation {
    /// Reads the orientation from a tag event; nil if the event has none.
    init?(_ event: UnsafeMutablePointer<GstEvent>) {
        guard let value = ww_orientation_tag(event) else { return nil }
        defer { g_free(value) }
        self.init(tag: String(cString: value))
    }
}
