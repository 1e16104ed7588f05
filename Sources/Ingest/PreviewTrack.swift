/// Reads a film's `moov` box (MP4, QuickTime), as far as it decides whether GStreamer's demuxer plays its video.
///
/// `qtdemux` takes a video track that lasts less than a fifth of the film for a preview image, and skips it. Where all
/// video tracks are so short, none is a preview.
package enum PreviewTrack {
    /// Where the film's own length stands in the box, if that is why nothing would be played.
    ///
    /// Without the length the demuxer skips nothing.
    package static func misleadingLength(_ moov: UnsafeRawBufferPointer) -> Range<Int>? {
        guard let film = boxes(moov, 0..<moov.count).first(where: { $0.type == type("moov") })?.content else {
            return nil
        }
        let parts = boxes(moov, film)
        guard let header = parts.first(where: { $0.type == type("mvhd") })?.content,
            let length = length(moov, header), length.seconds > 0
        else { return nil }
        var hasVideo = false
        for track in parts where track.type == type("trak") {
            guard let media = boxes(moov, track.content).first(where: { $0.type == type("mdia") })?.content else {
                continue
            }
            let inside = boxes(moov, media)
            guard let handler = inside.first(where: { $0.type == type("hdlr") })?.content,
                number(moov, handler.lowerBound + 8, 4, handler) == UInt64(type("vide")),
                let told = inside.first(where: { $0.type == type("mdhd") }),
                let own = Self.length(moov, told.content)
            else { continue }
            // A little more than a fifth, for the demuxer rounds.
            guard own.seconds < length.seconds * 0.21 else { return nil }
            hasVideo = true
        }
        return hasVideo ? length.range : nil
    }

    private struct Box {
        let type: UInt32
        let content: Range<Int>
    }

    private static func type(_ name: StaticString) -> UInt32 {
        name.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt32($1) } }
    }

    /// The boxes that lie one after the other in a range; each takes at least its header's eight bytes.
    private static func boxes(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> [Box] {
        var (found, at): ([Box], Int) = ([], range.lowerBound)
        while found.count < 4096, let size = number(bytes, at, 4, range), let type = number(bytes, at + 4, 4, range) {
            let isLong = size == 1
            guard
                let whole = isLong ? number(bytes, at + 8, 8, range) : size == 0 ? UInt64(range.upperBound - at) : size,
                whole >= (isLong ? 16 : 8), whole <= UInt64(range.upperBound - at)
            else { break }
            found.append(Box(type: UInt32(type), content: at + (isLong ? 16 : 8)..<at + Int(whole)))
            at += Int(whole)
        }
        return found
    }

    /// The length that `mvhd` or `mdhd` tells, and where; nil for an unknown one.
    private static func length(
        _ bytes: UnsafeRawBufferPointer, _ box: Range<Int>
    ) -> (seconds: Double, range: Range<Int>)? {
        guard let version = number(bytes, box.lowerBound, 1, box) else { return nil }
        let (scaleAt, width) = version == 1 ? (20, 8) : (12, 4)
        let at = box.lowerBound + scaleAt + 4
        guard let scale = number(bytes, box.lowerBound + scaleAt, 4, box), scale > 0,
            let units = number(bytes, at, width, box), units > 0, units != (width == 4 ? 0xFFFF_FFFF : .max)
        else { return nil }
        return (Double(units) / Double(scale), at..<at + width)
    }

    private static func number(
        _ bytes: UnsafeRawBufferPointer, _ at: Int, _ width: Int, _ range: Range<Int>
    ) -> UInt64? {
        guard at >= range.lowerBound, at <= range.upperBound - width else { return nil }
        return bytes[at..<at + width].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
