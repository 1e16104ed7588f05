import Containers
import Testing

@Suite("The parts of a multipart body")
struct MultipartParserTests {
    private static let jpeg: [UInt8] = [0xFF, 0xD8, 1, 2, 0x0D, 0x0A, 0x2D, 0x2D, 3, 0xFF, 0xD9]
    private static let other: [UInt8] = [0xFF, 0xD8] + [UInt8](repeating: 7, count: 300) + [0xFF, 0xD9]

    private static func body(
        _ pieces: [[UInt8]], before: String, headers: (Int) -> String, after: String = "\r\n"
    ) -> [UInt8] {
        pieces.enumerated().flatMap { index, piece in
            Array((before + "\r\n" + headers(piece.count) + "\r\n").utf8) + piece + Array(after.utf8)
        } + Array((before + "\r\n").utf8)
    }

    private func parts(_ bytes: [UInt8], boundary: String, pieces: Int) -> [MultipartParser.Part] {
        var parser = MultipartParser(boundary: boundary)
        var parts: [MultipartParser.Part] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            parts += parser.append(Array(bytes[start..<min(start + pieces, bytes.count)]))
        }
        return parts
    }

    private static let ways: [(String, String, [UInt8])] = {
        let pictures = [jpeg, other, jpeg]
        func sized(_ count: Int) -> String { "Content-Type: image/jpeg\r\nContent-Length: \(count)\r\n" }
        func unsized(_: Int) -> String { "content-type:image/jpeg; q=1\r\nX-More: yes\r\n" }
        let standard = body(pictures, before: "--b", headers: sized)
        return [
            ("standard", "b", standard), ("no length", "b", body(pictures, before: "--b", headers: unsized)),
            ("dashes in the header", "--b", standard), ("no boundary told", "", standard),
            ("another boundary told", "elsewhere", standard),
            ("no dashes sent", "b", body(pictures, before: "b", headers: sized)),
            ("four dashes sent", "--b", body(pictures, before: "----b", headers: unsized)),
            ("no boundary first", "b", Array(standard.dropFirst(5))),
            (
                "a closing boundary after each", "b",
                body(pictures, before: "--b", headers: unsized, after: "\r\n--b--\r\n")
            ),
            ("no line end before", "b", body(pictures, before: "--b", headers: unsized, after: "")),
            (
                "too long", "b",
                body(pictures, before: "--b", headers: { sized($0 + 9) }) + Array("no part any more\r\n".utf8)
            ), ("a little too long", "b", body(pictures, before: "--b", headers: { sized($0 + 5) })),
            ("too short", "b", body(pictures, before: "--b", headers: { sized($0 - 3) })),
            ("a preamble", "b", Array("this is\r\nno part\r\n\r\n".utf8) + standard),
            ("LF alone", "b", lines(standard)),
        ]
    }()

    /// Changes the line ends of headers and boundaries, but not those in pictures.
    private static func lines(_ standard: [UInt8]) -> [UInt8] {
        func sized(_ picture: [UInt8]) -> [UInt8] {
            Array("--b\nContent-Type: image/jpeg\nContent-Length: \(picture.count)\n\n".utf8) + picture + [0x0A]
        }
        return [jpeg, other, jpeg].flatMap(sized) + Array("--b\n".utf8)
    }

    @Test("every way of cameras to send parts gives the same pictures, in pieces of whatever size", arguments: ways)
    func all(_ name: String, _ boundary: String, _ bytes: [UInt8]) {
        for pieces in [1, 2, 3, 7, 64, 100_000] {
            let found = parts(bytes, boundary: boundary, pieces: pieces)
            #expect(found.map(\.body) == [Self.jpeg, Self.other, Self.jpeg], "\(name) by \(pieces)")
            #expect(found.allSatisfy { $0.type == "image/jpeg" }, "\(name): \(found.map(\.type))")
        }
    }

    @Test("a Content-Type tells whether there are parts, and their boundary")
    func contentTypes() {
        #expect(MultipartParser.boundary(of: "multipart/x-mixed-replace; boundary=abc") == "abc")
        #expect(MultipartParser.boundary(of: "Multipart/X-Mixed-Replace;Boundary=\"a b\"") == "a b")
        #expect(MultipartParser.boundary(of: "multipart/x-mixed-replace") == "")
        #expect(MultipartParser.boundary(of: "image/jpeg; boundary=abc") == nil)
        #expect(MultipartParser.boundary(of: "") == nil)
    }

    @Test("a part without end, a length without measure and endless headers are left out, and what follows is read")
    func bounds() {
        var parser = MultipartParser(boundary: "b")
        let piece = [UInt8](repeating: 65, count: 1 << 20)
        #expect(parser.append(Array("--b\r\n\r\n".utf8)).isEmpty)
        for _ in 0..<40 { #expect(parser.append(piece).isEmpty) }
        #expect(parser.leftOut == 1)
        let picture = Array("\r\n--b\r\nContent-Length: 11\r\n\r\n".utf8) + Self.jpeg
        #expect(parser.append(picture).map(\.body) == [Self.jpeg])
        #expect(parser.append(Array("\r\n--b\r\nContent-Length: 99999999999\r\n\r\nx\r\n".utf8)).isEmpty)
        #expect(parser.append(picture).map(\.body) == [Self.jpeg] && parser.leftOut == 2)
        #expect(parser.append(Array("\r\n--b\r\n".utf8) + [UInt8](repeating: 66, count: 20_000)).isEmpty)
        #expect(parser.append(picture).map(\.body) == [Self.jpeg] && parser.leftOut == 3)
    }
}
