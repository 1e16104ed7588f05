/// An example picture of a query: an encoded JPEG, PNG, WebP, GIF, BMP or TIFF file.
package struct QueryImage: Sendable, Hashable {
    /// The picture's name in error messages, usually a file name.
    package let name: String
    package let encoded: [UInt8]

    package init(name: String, encoded: [UInt8]) {
        self.name = name
        self.encoded = encoded
    }

    /// The greatest number of pictures of one query; `largest` is the greatest size of one in bytes.
    package static let most = 16
    package static let largest = 8 << 20

    /// The file's format, recognised by its first bytes; nil for an unknown one.
    package var kind: String? {
        func begins(_ bytes: [UInt8], at offset: Int = 0) -> Bool { encoded.dropFirst(offset).starts(with: bytes) }
        if begins([0xFF, 0xD8, 0xFF]) { return "jpeg" }
        if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "png" }
        if begins(Array("RIFF".utf8)), begins(Array("WEBP".utf8), at: 8) { return "webp" }
        if begins(Array("GIF87a".utf8)) || begins(Array("GIF89a".utf8)) { return "gif" }
        if begins(Array("BM".utf8)) { return "bmp" }
        if begins([0x49, 0x49, 0x2A, 0]) || begins([0x4D, 0x4D, 0, 0x2A]) { return "tiff" }
        return nil
    }

    static func problem(of images: [QueryImage]) -> QueryPartError? {
        func wrong(_ reason: String) -> QueryPartError { QueryPartError("images", reason) }
        guard images.count <= most else { return wrong("expected at most \(most), found \(images.count)") }
        for image in images {
            guard !image.encoded.isEmpty else { return wrong("\"\(image.name)\" is empty") }
            guard image.encoded.count <= largest else {
                return wrong("\"\(image.name)\" has \(image.encoded.count) bytes, at most \(largest) are taken")
            }
            guard image.kind != nil else {
                return wrong("\"\(image.name)\": expected a JPEG, PNG, WebP, GIF, BMP or TIFF picture")
            }
        }
        return nil
    }
}
