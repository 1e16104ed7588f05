import Containers
import Testing

/// Tests what the headers of a film file say about it.
///
/// Source of the right values: RFC 8794 (EBML), sections 6.2 and 11.2.1: an element's length of which all bits are set
/// is unknown, and the length of the header must be known.
@Suite("Headers of film files")
struct FilmFileTests {
    private static let head: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3]
    private static let segment: [UInt8] = [0x18, 0x53, 0x80, 0x67]
    private static let unknown: [UInt8] = [0x01] + [UInt8](repeating: 0xFF, count: 7)

    private func film(_ bytes: [UInt8]) -> FilmFile {
        FilmFile(size: bytes.count) { at, count in Array(bytes.dropFirst(at).prefix(count)) }
    }

    @Test("a Matroska header of unknown length is no film that is cut off")
    func unknownHeader() {
        #expect(film(Self.head + Self.unknown).cut == nil)
        #expect(film(Self.head + Self.unknown + Self.segment + Self.unknown).cut == nil)
        // The same in one byte.
        #expect(film(Self.head + [0xFF] + Self.segment + [0x90]).cut == nil)
    }

    @Test("a Matroska segment of unknown length may end anywhere")
    func unknownSegment() {
        #expect(film(Self.head + [0x80] + Self.segment + Self.unknown).cut == nil)
        #expect(film(Self.head + [0x80] + Self.segment + [0xFF]).cut == nil)
    }

    @Test("a Matroska segment that is longer than the file is cut off")
    func cutSegment() {
        // 10 bytes of headers and 16 of the segment, of which 4 are there.
        let bytes = Self.head + [0x80] + Self.segment + [0x90] + [0, 0, 0, 0]
        #expect(film(bytes).cut == "it is cut off: its segment ends at byte 26, and the file at 14")
        // The greatest length that is known, 2^56 - 2.
        let longest = Self.head + [0x80] + Self.segment + [0x01] + [UInt8](repeating: 0xFF, count: 6) + [0xFE]
        #expect(film(longest).cut?.contains("ends at byte 72057594037927951, and the file at 17") == true)
    }
}
