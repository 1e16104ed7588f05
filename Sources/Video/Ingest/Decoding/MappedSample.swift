import CGStreamer
import Containers
import Pixels

extension Pipeline {
    /// Lends the picture in a GStreamer sample, turned upright, to `body`; nil if its pixel format is not supported.
    ///
    /// With `squarePixels`, pixels count as square, whatever the stream states.
    static func withFrame<R>(
        _ sample: OpaquePointer, _ display: TrackDisplay = TrackDisplay(), squarePixels: Bool = false,
        _ body: (DecodedFrame) -> R
    ) -> R? {
        guard let buffer = gst_sample_get_buffer(sample), let caps = gst_sample_get_caps(sample) else { return nil }
        var info = GstVideoInfo()
        guard gst_video_info_from_caps(&info, caps) != 0 else { return nil }
        var mapped = GstVideoFrame()
        guard ww_frame_map(&mapped, &info, buffer) != 0 else { return nil }
        defer { gst_video_frame_unmap(&mapped) }
        let isFullRange = display.isFullRange || ww_is_full_range(caps) != 0
        guard var frame = frame(&mapped, info, isFullRange: isFullRange) else { return nil }
        if let aperture = display.aperture, aperture.width == frame.width, aperture.height == frame.height {
            frame = frame.cropped(
                column: aperture.column, row: aperture.row, columns: aperture.columns, rows: aperture.rows)
        }
        return body(frame.shown(display.orientation ?? .upright, pixelAspect: squarePixels ? 1 : pixelAspect(info)))
    }

    /// Returns the frame as stored, without rotation; nil if its pixel format is not supported.
    private static func frame(_ mapped: inout GstVideoFrame, _ info: GstVideoInfo, isFullRange: Bool) -> DecodedFrame? {
        let (width, height) = (Int(ww_frame_width(&mapped)), Int(ww_frame_height(&mapped)))
        guard width > 0, height > 0, let first = ww_frame_plane(&mapped, 0) else { return nil }
        let strides = (
            Int(ww_frame_stride(&mapped, 0)), Int(ww_frame_stride(&mapped, 1)), Int(ww_frame_stride(&mapped, 2))
        )
        func yuv(across: Int, down: Int) -> DecodedFrame? {
            let chroma = (width + (1 << across) - 1) >> across
            guard let u = ww_frame_plane(&mapped, 1), let v = ww_frame_plane(&mapped, 2) else { return nil }
            guard strides.0 >= width, strides.1 >= chroma, strides.2 >= chroma else { return nil }
            let colour = colour(info.colorimetry, isFullRange)
            return across == 1 && down == 1
                ? DecodedFrame(y: first, u: u, v: v, strides: strides, width: width, height: height, colour: colour)
                : DecodedFrame(
                    y: first, u: u, v: v, strides: strides, shifts: (across, down), width: width, height: height,
                    colour: colour)
        }
        switch info.finfo.pointee.format {
        case GST_VIDEO_FORMAT_RGB:
            guard strides.0 >= width * 3 else { return nil }
            return DecodedFrame(rgb: first, width: width, height: height, stride: strides.0)
        case GST_VIDEO_FORMAT_I420: return yuv(across: 1, down: 1)
        case GST_VIDEO_FORMAT_Y42B: return yuv(across: 1, down: 0)
        case GST_VIDEO_FORMAT_Y444: return yuv(across: 0, down: 0)
        case GST_VIDEO_FORMAT_Y41B: return yuv(across: 2, down: 0)
        case GST_VIDEO_FORMAT_GRAY8:
            guard strides.0 >= width else { return nil }
            return DecodedFrame(grey: first, width: width, height: height, stride: strides.0)
        case GST_VIDEO_FORMAT_NV12:
            guard let uv = ww_frame_plane(&mapped, 1), strides.0 >= width, strides.1 >= (width + 1) / 2 * 2
            else { return nil }
            return DecodedFrame(
                y: first, uv: uv, strides: (strides.0, strides.1), width: width, height: height,
                colour: colour(info.colorimetry, isFullRange))
        default: return nil
        }
    }

    /// Returns the width of a pixel divided by its height, from the stream's caps; 1 if they do not state it.
    private static func pixelAspect(_ info: GstVideoInfo) -> Double {
        info.par_n > 0 && info.par_d > 0 ? Double(info.par_n) / Double(info.par_d) : 1
    }

    /// Returns the colour conversion for the stream's colorimetry.
    ///
    /// For a stream without one, GStreamer assumes BT.601 for small pictures and BT.709 for large ones.
    private static func colour(_ colorimetry: GstVideoColorimetry, _ isFullRange: Bool) -> ColourConversion {
        let matrix: ColourConversion.Matrix =
            switch colorimetry.matrix {
            case GST_VIDEO_COLOR_MATRIX_BT709: .bt709
            case GST_VIDEO_COLOR_MATRIX_FCC: .fcc
            case GST_VIDEO_COLOR_MATRIX_SMPTE240M: .smpte240m
            case GST_VIDEO_COLOR_MATRIX_BT2020: .bt2020
            default: .bt601
            }
        return ColourConversion(matrix, fullRange: isFullRange || colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255)
    }
}
