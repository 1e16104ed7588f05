import Foundation
package import StreamSources

/// The result of reading a film file's headers: whether it is complete, and whether it is an unsupported animation.
///
/// GStreamer's demuxers treat the end of a truncated file as the end of the film, so this must be found otherwise.
package struct FilmFile: Equatable {
    /// The reason why the film is incomplete; nil if it is complete, or if its format does not tell.
    package let cut: String?
    /// The reason why none of the film's pictures can be decoded; nil if the headers do not rule it out.
    package let refusal: String?
    /// The format of an animation of which only one picture is read; nil for other files.
    package let animation: String?

    /// Reads the headers of a file; nil unless it is a readable regular file, since a pipe or device has no size.
    package init?(_ path: SourcePath) {
        let descriptor = open(path.terminated, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.init(size: Int(status.st_size)) { at, count in
            var bytes = [UInt8](repeating: 0, count: count)
            let got = pread(descriptor, &bytes, count, off_t(at))
            return Array(bytes.prefix(max(got, 0)))
        }
    }

    /// Reads the headers of a file of `size` bytes; `read` returns up to `count` bytes from an offset on.
    package init(size: Int, read: @escaping (_ at: Int, _ count: Int) -> [UInt8]) {
        let heads = FileHeads(size: size, read: read)
        (cut, animation) = (heads.cut, heads.animation)
        let isRefused = animation == "WebP" || heads.isMovie && !heads.hasIndex
        refusal = isRefused ? animation.map(Self.sentence(animation:)) ?? cut : nil
    }

    /// Returns the error message for an animation of this format, to follow the film's name.
    package static func sentence(animation: String) -> String {
        "it is an animated \(animation), of which no more than one picture is read; "
            + "save it as an animated GIF, or as a film (MP4)"
    }
}

/// The headers of a film file's boxes, elements or chunks.
private struct FileHeads {
    let size: Int
    let read: (Int, Int) -> [UInt8]
    /// The greatest number of boxes (MP4) or chunks (PNG) of a file that are read.
    private static let maxParts = 4096

    private func bytes(_ at: Int, _ count: Int) -> [UInt8] { at >= 0 && at < size ? read(at, count) : [] }

    private func has(_ text: StaticString, _ bytes: [UInt8], at place: Int) -> Bool {
        bytes.dropFirst(place).starts(with: text.description.utf8)
    }

    private func big(_ bytes: some Sequence<UInt8>) -> Int {
        Int(truncatingIfNeeded: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    var isMovie: Bool {
        let head = bytes(0, 8)
        return has("ftyp", head, at: 4) || has("moov", head, at: 4) || has("mdat", head, at: 4)
    }

    /// True if an MP4 or QuickTime film has an index (`moov`), complete or not.
    var hasIndex: Bool { movie.hasIndex }

    var cut: String? {
        let head = bytes(0, 12)
        if isMovie { return movie.cut }
        if has("RIFF", head, at: 0), has("AVI ", head, at: 8) {
            return lacks(end: 8 + big(head[4..<8].reversed()), "its RIFF list")
        }
        return head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) ? cutMatroska : nil
    }

    private func lacks(end: Int, _ what: String) -> String? {
        // Some writers count a byte of padding that they did not write.
        guard end > size + 1 else { return nil }
        return "it is cut off: \(what) ends at byte \(end), and the file at \(size)"
    }

    /// The result of reading an MP4 or QuickTime file's boxes: whether it has an index, and why it is incomplete.
    private var movie: (hasIndex: Bool, cut: String?) {
        var at = 0
        var hasIndex = false
        for _ in 0..<Self.maxParts {
            let head = bytes(at, 16)
            guard head.count >= 8 else { break }
            var length = big(head[0..<4])
            if length == 1, head.count == 16 { length = big(head[8..<16]) }
            hasIndex = hasIndex || has("moov", head, at: 4)
            // The box lasts to the end of the file, or its length is nonsense.
            guard length >= 8, length < 1 << 60 else { break }
            let name = String(decoding: head[4..<8].map { (0x20..<0x7F).contains($0) ? $0 : 0x3F }, as: UTF8.self)
            if let cut = lacks(end: at + length, "its box \(name)") {
                return (hasIndex, hasIndex ? cut : cut + "; the index, which stands behind it, is missing")
            }
            at += length
        }
        return (hasIndex, hasIndex ? nil : "there is no index (moov) in it: it was never finished, or it is cut off")
    }

    /// The problem of a Matroska or WebM file whose segment is longer than the file; nil if there is none.
    private var cutMatroska: String? {
        guard let head = end(ofElement: 4), bytes(head, 4) == [0x18, 0x53, 0x80, 0x67] else { return nil }
        return end(ofElement: head + 4).flatMap { lacks(end: $0, "its segment") }
    }

    /// Returns the end of the Matroska element whose length field is at `place`; nil if its length is unknown.
    ///
    /// A length of which all bits are set is unknown: a segment that is written live has such a one.
    private func end(ofElement place: Int) -> Int? {
        let field = bytes(place, 8)
        guard let first = field.first, first != 0 else { return nil }
        let count = first.leadingZeroBitCount + 1
        guard field.count >= count else { return nil }
        // A length has at most 56 bits, so the sum is far from overflow.
        let unknown = 1 << (7 * count) - 1
        let value = big(field.prefix(count)) & unknown
        return value == unknown ? nil : place + count + value
    }

    var animation: String? {
        let head = bytes(0, 64)
        if has("RIFF", head, at: 0), has("WEBPVP8X", head, at: 8), head.count > 20, head[20] & 2 != 0 { return "WebP" }
        guard head.starts(with: [0x89, 0x50, 0x4E, 0x47]) else { return nil }
        var at = 8
        for _ in 0..<Self.maxParts {
            let chunk = bytes(at, 8)
            guard chunk.count == 8, !has("IDAT", chunk, at: 4) else { return nil }
            if has("acTL", chunk, at: 4) { return "PNG" }
            at += 12 + big(chunk[0..<4])
        }
        return nil
    }
}
