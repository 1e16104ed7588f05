import StreamSources

/// The kind of an HTTP answer by its `Content-Type`, which decides how the source is read.
enum ContentType: Equatable {
    /// One picture, which is downloaded again and again, at the sampling rate.
    case picture
    /// A film, or a stream of pictures such as MJPEG.
    case stream
    /// Another type, or none: the first bytes of the answer are examined instead.
    case unsaid

    /// The media types of single pictures; GIF is read as a film, because it may be animated.
    private static let pictures: Set<String> = [
        "image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/x-png", "image/webp", "image/bmp",
        "image/x-ms-bmp", "image/tiff",
    ]

    init(_ text: String?) {
        let kind = (text ?? "").prefix { $0 != ";" && $0 != "," }.lowercased().filter { !$0.isWhitespace }
        if Self.pictures.contains(kind) {
            self = .picture
        } else if ["multipart/", "video/", "audio/", "application/vnd.apple.mpegurl", "application/x-mpegurl"]
            .contains(where: kind.hasPrefix)
        {
            self = .stream
        } else {
            self = .unsaid
        }
    }

    /// The file extensions of single pictures.
    private static let endings: Set<String> = ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "tif", "tiff"]

    /// Returns true if the path of a URI, or a file path, has the extension of a single picture.
    static func isPictureName(_ uri: String) -> Bool {
        let isLocal = [nil, "file"].contains(SourceURI.scheme(uri))
        let path = isLocal ? Substring(uri) : uri.prefix { $0 != "?" && $0 != "#" }
        guard let dot = path.lastIndex(of: "."), dot > (path.lastIndex(of: "/") ?? path.startIndex)
        else { return false }
        return endings.contains(path[path.index(after: dot)...].lowercased())
    }
}
