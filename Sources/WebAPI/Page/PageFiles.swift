import Digests
package import Foundation
import NIOCore

/// The files of the web page, read once at the start, so that no request reads the file system.
package struct PageFiles: Sendable {
    struct File: Sendable {
        let type: String
        let body: ByteBuffer
        /// The file's strong validator (`ETag`): a digest of its bytes, in quotation marks.
        let tag: String
    }

    /// The content types by file extension; files with another extension are not served.
    private static let types = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    ]
    /// The greatest size of all files of the web page together, in bytes.
    private static let most = 2 << 20

    private let files: [String: File]
    /// The reason why there is no web page; nil if there is one.
    package let problem: String?

    /// Reads the files directly in `folder`; without `index.html` there is no web page.
    package init(_ folder: URL) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var (files, bytes) = ([String: File](), 0)
        for name in names {
            let url = folder.appending(path: name)
            guard let type = Self.types[url.pathExtension], let data = try? Data(contentsOf: url) else { continue }
            bytes += data.count
            guard bytes <= Self.most else {
                (self.files, problem) = ([:], "\(folder.path): more than \(Self.most) bytes")
                return
            }
            let digest = Digest(.sha256)
            digest.update(data)
            files[name] = File(
                type: type, body: ByteBuffer(bytes: data), tag: "\"\(digest.hexadecimal.prefix(32))\"")
        }
        problem = files[Self.index] == nil ? "\(folder.path): there is no \(Self.index)" : nil
        self.files = problem == nil ? files : [:]
    }

    /// The name of the file that is served at `/`.
    static let index = "index.html"

    subscript(name: String) -> File? { files[name] }

    /// The content security policy: only scripts, styles, pictures and requests of this origin; no framing by others.
    static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "connect-src 'self'",
        "media-src 'self' blob:", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")
}
