/// The format of a source's video: as it is coded, and the size of its pictures.
package struct SourceFormat: Sendable, Equatable {
    /// "H.264", "JPEG", or else the name that GStreamer has for it; nil where nothing is decoded.
    package let codec: String?
    /// GStreamer's name of the decoder; nil where nothing is decoded.
    package let decoder: String?
    /// The size of the decoded pictures, in pixels.
    package let width: Int
    package let height: Int
    /// The frames a second that the stream says it has; nil if it says nothing.
    package let fps: Double?

    private static let names = [
        "video/x-h264": "H.264", "video/x-h265": "H.265", "image/jpeg": "JPEG", "video/x-vp8": "VP8",
        "video/x-vp9": "VP9", "video/x-av1": "AV1", "video/mpeg": "MPEG", "image/png": "PNG",
    ]

    /// `coded`: GStreamer's name of what is decoded.
    package init(coded: String?, decoder: String?, width: Int, height: Int, fps: Double?) {
        codec = coded.map { Self.names[$0] ?? $0 }
        (self.decoder, self.width, self.height, self.fps) = (decoder, width, height, fps)
    }
}
