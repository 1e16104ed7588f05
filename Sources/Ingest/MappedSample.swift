import CGStreamer
import Pixels

extension Pipeline {
    /// Lends a sample's planes for the length of the call; nil if they are none that `Pixels` reads.
    static func withFrame<R>(_ sample: OpaquePointer, _ body: (DecodedFrame) -> R) -> R? {
        guard let buffer = gst_sample_get_buffer(sample), let caps = gst_sample_get_caps(sample) else { return nil }
        var info = GstVideoInfo()
        guard gst_video_info_from_caps(&info, caps) != 0 else { return nil }
        var mapped = GstVideoFrame()
        guard ww_frame_map(&mapped, &info, buffer) != 0 else { return nil }
        defer { gst_video_frame_unmap(&mapped) }
        let (width, height) = (Int(ww_frame_width(&mapped)), Int(ww_frame_height(&mapped)))
        let (chroma, format) = ((width + 1) / 2, info.finfo.pointee.format)
        guard width > 0, height > 0, let first = ww_frame_plane(&mapped, 0) else { return nil }
        func stride(_ plane: Int32) -> Int { Int(ww_frame_stride(&mapped, plane)) }
        switch format {
        case GST_VIDEO_FORMAT_RGB:
            guard stride(0) >= width * 3 else { return nil }
            return body(DecodedFrame(rgb: first, width: width, height: height, stride: stride(0)))
        case GST_VIDEO_FORMAT_I420:
            guard let u = ww_frame_plane(&mapped, 1), let v = ww_frame_plane(&mapped, 2) else { return nil }
            guard stride(0) >= width, stride(1) >= chroma, stride(2) >= chroma else { return nil }
            return body(
                DecodedFrame(
                    y: first, u: u, v: v, strides: (stride(0), stride(1), stride(2)), width: width, height: height,
                    colour: colour(info.colorimetry)))
        case GST_VIDEO_FORMAT_NV12:
            guard let uv = ww_frame_plane(&mapped, 1), stride(0) >= width, stride(1) >= chroma * 2 else { return nil }
            return body(
                DecodedFrame(
                    y: first, uv: uv, strides: (stride(0), stride(1)), width: width, height: height,
                    colour: colour(info.colorimetry)))
        default: return nil
        }
    }

    /// What the stream says of its colours; where it says nothing, GStreamer has filled in BT.601 for small pictures and
    /// BT.709 for large ones.
    private static func colour(_ colorimetry: GstVideoColorimetry) -> ColourConversion {
        let matrix: ColourConversion.Matrix =
            switch colorimetry.matrix {
            case GST_VIDEO_COLOR_MATRIX_BT709: .bt709
            case GST_VIDEO_COLOR_MATRIX_FCC: .fcc
            case GST_VIDEO_COLOR_MATRIX_SMPTE240M: .smpte240m
            case GST_VIDEO_COLOR_MATRIX_BT2020: .bt2020
            default: .bt601
            }
        return ColourConversion(matrix, fullRange: colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255)
    }
}
