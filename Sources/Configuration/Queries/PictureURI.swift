package import Foundation
package import Matching
import Pixels
import Printing

/// Reads example pictures from files and `data:` URIs, and writes them as such URIs, in which they are sent and stored.
package enum PictureURI {
    /// Reads a picture from a file; throws if it is unreadable, too large or no picture.
    ///
    /// A relative path is relative to `folder`.
    package static func read(_ path: String, from folder: URL) throws(QueryPartError) -> QueryImage {
        let url = path.hasPrefix("/") ? URL(filePath: path) : folder.appending(path: path)
        var information = stat()
        // A device file might never end.
        guard stat(url.path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw QueryPartError("images", "\(path) cannot be read")
        }
        let size = Int(information.st_size)
        guard size <= QueryImage.largest else {
            throw QueryPartError("images", "\(path) has \(size) bytes, at most \(QueryImage.largest) are taken")
        }
        guard let data = FileManager.default.contents(atPath: url.path) else {
            throw QueryPartError("images", "\(path) cannot be read")
        }
        let image = QueryImage(name: url.lastPathComponent, encoded: [UInt8](data))
        return try checked(image, path)
    }

    private static func checked(_ image: QueryImage, _ name: String) throws(QueryPartError) -> QueryImage {
        guard !image.encoded.isEmpty else { throw QueryPartError("images", "\(name) is empty") }
        guard image.encoded.count <= QueryImage.largest else {
            throw QueryPartError(
                "images", "\(name) has \(image.encoded.count) bytes, at most \(QueryImage.largest) are taken")
        }
        // The first bytes tell format and size, so a picture that is too large is refused before it is decoded.
        do { _ = try PictureHeader(image.encoded) } catch {
            throw QueryPartError("images", "\(name): \(error)")
        }
        return image
    }

    /// Returns a picture as a `data:` URI, such as `data:image/png;name=gate.png;base64,…`.
    package static func encode(_ image: QueryImage) -> String {
        let name = image.name.addingPercentEncoding(
            withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-_.")))
        return
            "data:image/\(image.kind ?? "png");name=\(name ?? "");base64,\(Data(image.encoded).base64EncodedString())"
    }

    package static func decode(_ text: String) throws(QueryPartError) -> QueryImage {
        guard text.hasPrefix("data:") else {
            throw QueryPartError(
                "images",
                "\"\(text.excerpt())\" is a path; pictures are sent as data: URIs, as the watchword command makes them"
            )
        }
        guard let comma = text.firstIndex(of: ","), text[..<comma].hasSuffix(";base64") else {
            throw QueryPartError("images", "a data: URI must be as in data:image/jpeg;base64,…")
        }
        guard let data = Data(base64Encoded: String(text[text.index(after: comma)...])) else {
            throw QueryPartError("images", "a data: URI's picture is not base64")
        }
        let named = text[..<comma].split(separator: ";").first { $0.hasPrefix("name=") }?.dropFirst(5)
        let name = named.map(String.init)?.removingPercentEncoding ?? "picture"
        return try checked(QueryImage(name: name, encoded: [UInt8](data)), name)
    }
}
