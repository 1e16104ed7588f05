package import Pixels

/// The way in which an MP4 or QuickTime track asks to be displayed.
package struct TrackDisplay: Equatable {
    /// The clean aperture (`clap`): the part of each picture that is shown, in pixels.
    package struct Aperture: Equatable {
        package let column: Int
        package let row: Int
        package let columns: Int
        package let rows: Int
        /// The width of the pictures that the aperture is for, in pixels; `height` is their height.
        package let width: Int
        package let height: Int
    }

    /// The orientation by the track's matrix or the stream's tags; nil if there is none, or another transformation.
    package var orientation: PictureOrientation?
    package var aperture: Aperture?
    /// True if the film's index (`colr`) says that luma spans 0 to 255, where GStreamer's `qtdemux` assumes 16 to 235.
    package var isFullRange = false

    package init(orientation: PictureOrientation? = nil, aperture: Aperture? = nil) {
        (self.orientation, self.aperture) = (orientation, aperture)
    }
}

/// Reads what GStreamer's `qtdemux` ignores in the index (`moov`) of MP4 and QuickTime films.
///
/// These are mirroring, clean apertures, and the full range of luma.
///
/// Source: ISO/IEC 14496-12, 8.3.2 (`tkhd`), 12.1.4 (`clap`) and 12.1.5 (`colr`).
package enum MovieHeader {
    /// The greatest size of a film's index (`moov`) that is read, in bytes.
    static let largest = 32 << 20

    /// Returns how each track is displayed, by the track's number; `box` is the whole `moov` with its header.
    package static func displays(in box: [UInt8]) -> [UInt32: TrackDisplay] {
        let bytes = BoxBytes(box)
        var found: [UInt32: TrackDisplay] = [:]
        for moov in bytes.boxes("moov", in: 0..<box.count).prefix(1) {
            for trak in bytes.boxes("trak", in: moov) {
                guard let tkhd = bytes.boxes("tkhd", in: trak).first, let (number, orientation) = bytes.header(tkhd)
                else { continue }
                var display = TrackDisplay(orientation: orientation)
                if let entry = bytes.description(trak) {
                    display.aperture = bytes.aperture(entry)
                    display.isFullRange = bytes.isFullRange(entry)
                }
                found[number] = display
            }
        }
        return found
    }
}

/// Finds the index (`moov`) of an MP4 or QuickTime film in the file's bytes as they arrive.
package struct MovieScanner {
    private var held: [UInt8] = []
    private var skipping = 0
    /// The file offset at which the next bytes must continue; nil if offsets are unknown.
    private var next: UInt64?

    package init() {}

    /// Adds bytes at an offset of the file (nil if unknown); returns the whole index once it is complete.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, at offset: UInt64?) -> [UInt8]? {
        if let offset, let next, offset != next { (held, skipping) = ([], 0) }
        next = (offset ?? next).map { $0 &+ UInt64(bytes.count) }
        var rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(skipping))
        skipping -= bytes.count - rest.count
        while skipping == 0 {
            // First the 8 bytes of the box's header, then the whole box if it is the index.
            let isIndex = held.count >= 8 && held[4..<8].elementsEqual("moov".utf8)
            let length = held.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let wanted = isIndex ? length : 8
            if held.count >= 8, !isIndex || length < 8 || length > MovieHeader.largest {
                // A length of 0 or 1 belongs to the media data: no index follows.
                skipping = length >= 8 ? length - 8 : .max
                held = []
                let skipped = min(skipping, rest.count)
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(skipped))
                skipping -= skipping == .max ? 0 : skipped
                continue
            }
            if isIndex, held.count == length { return held }
            guard !rest.isEmpty else { return nil }
            let part = rest.prefix(wanted - held.count)
            held.append(contentsOf: part)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
        }
        return nil
    }
}
