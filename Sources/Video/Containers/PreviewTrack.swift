/// Detects films of which GStreamer would play no video, from their index (`moov` of MP4 and QuickTime).
///
/// Its `qtdemux` skips a video track that is shorter than a fifth of the film, as a preview image. If all video tracks
/// are that short, none is a preview.
package enum PreviewTrack {
    /// Returns the position of the film's length in its index if that length makes `qtdemux` skip all video; else nil.
    ///
    /// `box` is the whole `moov` with its header. If the length is overwritten with zeros, `qtdemux` skips nothing.
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
            // The limit is a little above a fifth, because the demuxer rounds.
            guard own.seconds < film.seconds * 0.21 else { return nil }
            hasVideo = true
        }
        return hasVideo ? film.range : nil
    }
}

extension BoxBytes {
    /// Reads the length that a `mvhd` or `mdhd` box states, in seconds, and its position; nil if it is unknown.
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
