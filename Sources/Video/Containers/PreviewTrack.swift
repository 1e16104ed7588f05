/// Detects films of which GStreamer's demuxer would play no video, from their index (`moov` of MP4 and QuickTime).
///
/// `qtdemux` takes a video track that is shorter than a fifth of the film for a preview image, and skips it. If all
/// video tracks are that short, none is a preview.
package enum PreviewTrack {
    /// The position of the film's length in the index, if that length causes all video to be skipped; else nil.
    ///
    /// `box` is the whole `moov` with its header. Without the length, the demuxer skips nothing.
    package static func misleadingLength(in box: [UInt8]) -> Range<Int>? {
        let bytes = BoxBytes(box)
        guard let moov = bytes.boxes("moov", in: 0..<box.count).first,
            let film = bytes.boxes("mvhd", in: moov).first.flatMap({ bytes.length($0) }), film.seconds > 0
        else { return nil }
        var hasVideo = false
        for trak in bytes.boxes("trak", in: moov) {
            guard let media = bytes.boxes("mdia", in: trak).first,
                let handler = bytes.boxes("hdlr", in: media).first, bytes.has("vide", at: 8, in: handler),
                let own = bytes.boxes("mdhd", in: media).first.flatMap({ bytes.length($0) })
            else { continue }
            // A little more than a fifth, for the demuxer rounds.
            guard own.seconds < film.seconds * 0.21 else { return nil }
            hasVideo = true
        }
        return hasVideo ? film.range : nil
    }
}

extension BoxBytes {
    /// The length that `mvhd` or `mdhd` states, and its position; nil for an unknown one.
    fileprivate func length(_ box: Range<Int>) -> (seconds: Double, range: Range<Int>)? {
        guard let version = number(in: box, at: 0, 1) else { return nil }
        let (scaleAt, width) = version == 1 ? (20, 8) : (12, 4)
        guard let scale = number(in: box, at: scaleAt, 4), scale > 0,
            let units = number(in: box, at: scaleAt + 4, width), units > 0, width == 8 || units != 0xFFFF_FFFF
        else { return nil }
        let at = box.lowerBound + scaleAt + 4
        return (Double(units) / Double(scale), at..<at + width)
    }
}
