/// The films that `docs/INPUTS.md` lists, made by ffmpeg 5.1 of Debian 12.
///
/// They have small and few pictures, which suffices to check that each comes, when, and in which colours.
enum FilmTable {
    static let x265 = "-c:v libx265 -x265-params log-level=none -preset ultrafast"
    private static let interlaced = "-flags +ildct+ilme"
    private static let woven = "both fields in one picture, as ffmpeg gives them"
    private static let counted = "times are counted by the frame rate"
    private static let guessed = "ffmpeg guesses chroma between its samples, Watchword repeats them"
    private static let spread = "ffmpeg stretches the chroma of odd sizes over the picture"
    private static let bt709 = "-colorspace bt709 -color_primaries bt709 -color_trc bt709"

    static let rows = mp4 + quirks + mov + matroska + avi + mpeg + streams + others + animated + cut + unplayable

    private static let mp4: [FilmRow] = [
        .init("MP4", "mp4", "H.264", "index at the end", "-c:v libx264 -pix_fmt yuv420p"),
        .init("MP4", "mp4", "H.264", "index at the start", "-c:v libx264 -pix_fmt yuv420p -movflags faststart"),
        .init(
            "MP4", "mp4", "H.264", "fragmented",
            "-c:v libx264 -pix_fmt yuv420p -g 4 -movflags frag_keyframe+empty_moov", later: 0.2,
            note: "the first picture's own time"),
        .init("MP4", "mp4", "H.264", "B-frames", "-c:v libx264 -pix_fmt yuv420p -bf 3 -b_strategy 0"),
        .init("MP4", "mp4", "H.264", "4:2:2", "-c:v libx264 -pix_fmt yuv422p"),
        .init("MP4", "mp4", "H.264", "4:4:4", "-c:v libx264 -pix_fmt yuv444p"),
        .init("MP4", "mp4", "H.264", "10 bits", "-c:v libx264 -pix_fmt yuv420p10", psnr: 36, note: guessed),
        .init("MP4", "mp4", "H.264", "4:2:2, 10 bits", "-c:v libx264 -pix_fmt yuv422p10"),
        .init("MP4", "mp4", "H.264", "interlaced", "-c:v libx264 -pix_fmt yuv420p \(interlaced)", note: woven),
        .init("MP4", "mp4", "H.264", "full range", "-c:v libx264 -pix_fmt yuvj420p"),
        .init(
            "MP4", "mp4", "H.264", "BT.709", "-c:v libx264 -pix_fmt yuv420p \(bt709)",
            filter: "scale=out_color_matrix=bt709"),
        .init(
            "MP4", "mp4", "H.264", "BT.709, full range", "-c:v libx264 -pix_fmt yuvj444p -color_range pc \(bt709)",
            filter: "scale=out_color_matrix=bt709:out_range=pc"),
        .init(
            "MP4", "mp4", "H.264", "limited range by its index, full range by its stream",
            "-c:v libx264 -pix_fmt yuvj444p \(bt709)", filter: "scale=out_color_matrix=bt709:out_range=pc", psnr: 28,
            note: "the index is believed, as ISO 14496-12 says; ffmpeg believes the stream"),
        .init(
            "MP4", "mp4", "H.265", "BT.2020, 10 bits",
            "\(x265) -pix_fmt yuv420p10 -colorspace bt2020nc -color_primaries bt2020 -color_trc bt2020-10",
            filter: "scale=out_color_matrix=bt2020", psnr: 36, note: guessed),
        .init("MP4", "mp4", "H.265", "", "\(x265) -pix_fmt yuv420p"),
        .init(
            "MP4", "mp4", "H.265", "tag hvc1, 10 bits", "\(x265) -pix_fmt yuv420p10 -tag:v hvc1", psnr: 36,
            note: guessed),
        .init("MP4", "mp4", "AV1", "", "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 1M -pix_fmt yuv420p"),
        .init("MP4", "mp4", "VP9", "", "-c:v libvpx-vp9 -cpu-used 8 -b:v 1M -pix_fmt yuv420p"),
        .init("MP4", "mp4", "MPEG-4", "", "-c:v mpeg4 -q:v 2"),
        .init("MP4", "mp4", "MPEG-2", "", "-c:v mpeg2video -q:v 2", rate: 25),
        .init("MP4", "mp4", "MJPEG", "", "-c:v mjpeg -q:v 2 -pix_fmt yuvj422p"),
    ]

    /// MP4 films with unusual boxes, which change how pictures are displayed.
    private static let quirks: [FilmRow] =
        [
            .init(
                "MP4", "mp4", "H.264", "edit list that cuts the beginning", "-c:v libx264 -pix_fmt yuv420p -g 30 -bf 2",
                remux: "-ss 0.35 -i {film} -c copy", extra: 1, later: 0.05,
                note: "with the picture that the cut goes through, which ffmpeg leaves out"),
            .init(
                "MP4", "mp4", "H.264", "edit list that begins later", "-c:v libx264 -pix_fmt yuv420p",
                remux: "-itsoffset 0.5 -i {film} -c copy", later: 0.5, note: "its pictures begin at 0.5 s"),
            .init("MP4", "mp4", "H.264", "pixels twice as wide", "-c:v libx264 -pix_fmt yuv420p", filter: "setsar=2/1"),
            .init("MP4", "mp4", "H.264", "pixels 8:9", "-c:v libx264 -pix_fmt yuv420p", filter: "setsar=8/9"),
            .init(
                "MP4", "mp4", "H.264", "variable frame rate", "-c:v libx264 -pix_fmt yuv420p -fps_mode vfr",
                filter: "select=mod(n\\,3)*mod(n\\,5)"),
            .init("MP4", "mp4", "H.264", "width and height odd", "-c:v libx264 -pix_fmt yuv444p", size: "97x65"),
            .init(
                "MP4", "mp4", "MPEG-4", "width and height odd", "-c:v mpeg4 -q:v 2", size: "97x65", psnr: 31,
                note: spread),
            .init(
                "MP4", "mp4", "H.264", "clean aperture (`clap`)", "-c:v libx264 -pix_fmt yuv420p",
                patch: .cleanAperture, shown: "crop=64:48:8:4"),
        ]
        + TrackMatrix.allCases.map {
            .init(
                "MP4", "mp4", "H.264", $0.words, "-c:v libx264 -pix_fmt yuv420p", patch: .matrix($0), shown: $0.filter)
        }

    private static let mov: [FilmRow] = [
        .init("QuickTime", "mov", "H.264", "", "-c:v libx264 -pix_fmt yuv420p"),
        .init("QuickTime", "mov", "ProRes 422", "", "-c:v prores_ks -pix_fmt yuv422p10"),
        .init("QuickTime", "mov", "ProRes 4444", "", "-c:v prores_ks -profile:v 4 -pix_fmt yuv444p10"),
        .init("QuickTime", "mov", "ProRes 422", "interlaced", "-c:v prores_ks -pix_fmt yuv422p10 \(interlaced)"),
        .init(
            "QuickTime", "mov", "DNxHR", "", "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p", size: "256x144",
            outcome: .refused("no decoder for video/x-gst-fourcc-AVdh"),
            note: "GStreamer 1.22 does not know the tag"),
        .init("QuickTime", "mov", "MJPEG", "4:2:0", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p"),
        .init("QuickTime", "mov", "MJPEG", "4:4:4", "-c:v mjpeg -q:v 2 -pix_fmt yuvj444p"),
        .init("QuickTime", "mov", "PNG", "", "-c:v png -pix_fmt rgb24"),
        .init("QuickTime", "mov", "Animation (RLE)", "", "-c:v qtrle -pix_fmt rgb24"),
        .init("QuickTime", "mov", "raw", "packed 4:2:2", "-c:v rawvideo -pix_fmt uyvy422"),
        .init("3GP", "3gp", "H.264", "", "-c:v libx264 -pix_fmt yuv420p"),
        .init(
            "3GP", "3gp", "H.263", "", "-c:v h263 -q:v 2", size: "128x96", rate: 15, shown: "setsar=12/11",
            note: "its pixels are 12:11, as H.263 says; ffmpeg takes them for squares"),
        .init("3GP", "3gp", "MPEG-4", "", "-c:v mpeg4 -q:v 2"),
    ]

    private static let matroska: [FilmRow] = [
        .init("Matroska", "mkv", "H.264", "", "-c:v libx264 -pix_fmt yuv420p"),
        .init("Matroska", "mkv", "H.264", "RGB", "-c:v libx264rgb -pix_fmt rgb24"),
        .init("Matroska", "mkv", "H.264", "4:4:4, 10 bits", "-c:v libx264 -pix_fmt yuv444p10"),
        .init("Matroska", "mkv", "H.264", "pixels 4:3", "-c:v libx264 -pix_fmt yuv420p", filter: "setsar=4/3"),
        .init("Matroska", "mkv", "H.265", "4:2:2", "\(x265) -pix_fmt yuv422p"),
        .init("Matroska", "mkv", "H.265", "4:4:4, 12 bits", "\(x265) -pix_fmt yuv444p12"),
        .init(
            "Matroska", "mkv", "AV1", "10 bits", "-c:v libaom-av1 -cpu-used 8 -usage realtime -pix_fmt yuv420p10",
            psnr: 36, note: guessed),
        .init("Matroska", "mkv", "MPEG-2", "", "-c:v mpeg2video -q:v 2", rate: 25),
        .init("Matroska", "mkv", "MPEG-4", "", "-c:v mpeg4 -q:v 2"),
        .init("Matroska", "mkv", "MJPEG", "", "-c:v mjpeg -q:v 2 -pix_fmt yuvj422p"),
        .init("Matroska", "mkv", "Theora", "", "-c:v libtheora -q:v 9 -pix_fmt yuv420p"),
        .init("Matroska", "mkv", "ProRes 422", "", "-c:v prores_ks -pix_fmt yuv422p10"),
        .init("Matroska", "mkv", "FFV1", "", "-c:v ffv1 -pix_fmt yuv420p"),
        .init("Matroska", "mkv", "FFV1", "grey", "-c:v ffv1 -pix_fmt gray"),
        .init("Matroska", "mkv", "FFV1", "RGB", "-c:v ffv1 -pix_fmt bgr0"),
        .init("Matroska", "mkv", "raw", "4:2:0", "-c:v rawvideo -pix_fmt yuv420p -allow_raw_vfw 1"),
        .init("WebM", "webm", "VP8", "", "-c:v libvpx -b:v 2M"),
        .init(
            "WebM", "webm", "VP8", "width and height odd", "-c:v libvpx -b:v 2M", size: "97x65", psnr: 31, note: spread),
        .init("WebM", "webm", "VP9", "", "-c:v libvpx-vp9 -cpu-used 8 -b:v 1M -pix_fmt yuv420p"),
        .init("WebM", "webm", "VP9", "4:4:4", "-c:v libvpx-vp9 -cpu-used 8 -b:v 1M -pix_fmt yuv444p"),
        .init(
            "WebM", "webm", "VP9", "10 bits", "-c:v libvpx-vp9 -cpu-used 8 -b:v 1M -pix_fmt yuv420p10", psnr: 36,
            note: guessed),
        .init("WebM", "webm", "AV1", "", "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 1M -pix_fmt yuv420p"),
    ]

    private static let avi: [FilmRow] = [
        .init("AVI", "avi", "MPEG-4", "", "-c:v mpeg4 -q:v 2"),
        .init(
            "AVI", "avi", "MPEG-4", "B-frames, packed by tag XVID", "-c:v mpeg4 -q:v 2 -bf 2 -vtag XVID",
            isCounted: true,
            note: counted),
        .init("AVI", "avi", "H.264", "", "-c:v libx264 -pix_fmt yuv420p -bf 0"),
        .init("AVI", "avi", "MJPEG", "4:2:0", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p"),
        .init("AVI", "avi", "MJPEG", "4:2:2", "-c:v mjpeg -q:v 2 -pix_fmt yuvj422p"),
        .init("AVI", "avi", "MJPEG", "4:4:4", "-c:v mjpeg -q:v 2 -pix_fmt yuvj444p"),
        .init("AVI", "avi", "MS-MPEG-4 v3 (DivX 3)", "", "-c:v msmpeg4 -q:v 2"),
        .init("AVI", "avi", "HuffYUV", "", "-c:v huffyuv -pix_fmt yuv422p"),
        .init("AVI", "avi", "FFV1", "", "-c:v ffv1 -pix_fmt yuv420p"),
        .init("AVI", "avi", "raw", "BGR", "-c:v rawvideo -pix_fmt bgr24"),
        .init("AVI", "avi", "raw", "4:2:0", "-c:v rawvideo -pix_fmt yuv420p"),
        .init("AVI", "avi", "raw", "packed 4:2:2", "-c:v rawvideo -pix_fmt yuyv422"),
    ]

    private static let mpeg: [FilmRow] = [
        .init("MPEG-TS", "ts", "H.264", "", "-c:v libx264 -pix_fmt yuv420p"),
        .init("MPEG-TS", "ts", "H.264", "interlaced", "-c:v libx264 -pix_fmt yuv420p \(interlaced)", note: woven),
        .init("MPEG-TS", "ts", "H.265", "", "\(x265) -pix_fmt yuv420p"),
        .init("MPEG-TS", "ts", "MPEG-2", "", "-c:v mpeg2video -q:v 2", rate: 25),
        .init(
            "MPEG-TS", "ts", "MPEG-2", "4:2:2, interlaced", "-c:v mpeg2video -q:v 2 -pix_fmt yuv422p \(interlaced)",
            rate: 25, note: woven),
        .init("M2TS", "m2ts", "H.264", "", "-c:v libx264 -pix_fmt yuv420p -mpegts_m2ts_mode 1"),
        .init("MPEG-PS", "mpg", "MPEG-1", "", "-c:v mpeg1video -q:v 2", rate: 25),
        .init("MPEG-PS", "mpg", "MPEG-2", "", "-c:v mpeg2video -q:v 2 -f vob", rate: 25),
        .init("MXF", "mxf", "MPEG-2", "", "-c:v mpeg2video -q:v 2", rate: 25),
    ]

    /// Films of consecutive pictures without a container.
    private static let streams: [FilmRow] = [
        .init("none", "h264", "H.264", "", "-c:v libx264 -pix_fmt yuv420p -bf 0", rate: 25),
        .init("none", "h264", "H.264", "B-frames", "-c:v libx264 -pix_fmt yuv420p -bf 2", rate: 25),
        .init("none", "h265", "H.265", "", "\(x265) -pix_fmt yuv420p", rate: 25),
        .init("none", "m1v", "MPEG-1", "", "-c:v mpeg1video -q:v 2 -bf 0", rate: 25, isCounted: true, note: counted),
        .init("none", "m2v", "MPEG-2", "", "-c:v mpeg2video -q:v 2 -bf 0", rate: 25, isCounted: true, note: counted),
        .init("none", "m4v", "MPEG-4", "", "-c:v mpeg4 -q:v 2 -bf 0", rate: 25),
        .init(
            "none", "mjpeg", "MJPEG", "no time stamps", "-c:v mjpeg -q:v 2 -pix_fmt yuvj422p", rate: 25,
            isCounted: true,
            note: counted),
        .init("IVF", "ivf", "VP8", "", "-c:v libvpx -b:v 2M"),
        .init("IVF", "ivf", "AV1", "", "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 1M -pix_fmt yuv420p"),
        .init("YUV4MPEG", "y4m", "raw", "4:2:0", "-pix_fmt yuv420p"),
        .init("YUV4MPEG", "y4m", "raw", "4:4:4", "-pix_fmt yuv444p"),
    ]

    private static let others: [FilmRow] = [
        .init("Flash video", "flv", "H.264", "", "-c:v libx264 -pix_fmt yuv420p"),
        .init("Flash video", "flv", "Sorenson H.263", "", "-c:v flv -q:v 2"),
        .init("Ogg", "ogv", "Theora", "", "-c:v libtheora -q:v 9 -pix_fmt yuv420p"),
        .init("Ogg", "ogv", "Theora", "4:4:4", "-c:v libtheora -q:v 9 -pix_fmt yuv444p"),
        .init("Ogg", "ogv", "VP8", "", "-c:v libvpx -b:v 2M"),
        .init("Windows Media (ASF)", "wmv", "WMV 2", "", "-c:v wmv2 -q:v 2"),
        .init("Windows Media (ASF)", "wmv", "WMV 1", "", "-c:v wmv1 -q:v 2"),
        .init("Windows Media (ASF)", "asf", "MS-MPEG-4 v3", "", "-c:v msmpeg4 -q:v 2"),
        .init("MPEG-TS", "ts", "H.264", "size that changes", "-c:v libx264 -pix_fmt yuv420p", second: "80x48"),
        .init(
            "none", "h264", "H.264", "size that changes", "-c:v libx264 -pix_fmt yuv420p -bf 0", rate: 25,
            second: "80x48"),
    ]

    private static let animated: [FilmRow] = [
        .init("GIF", "gif", "GIF", "animated", "-c:v gif"),
        .init(
            "PNG", "png", "PNG", "animated", "-c:v apng -f apng -pix_fmt rgb24", missing: (0, 11),
            warning: "it is an animated PNG, of which no more than one picture is read"),
        .init(
            "WebP", "webp", "WebP", "animated", "-c:v libwebp_anim -lossless 1",
            outcome: .refused("it is an animated WebP, of which no more than one picture is read")),
    ]

    private static let cut: [FilmRow] = [
        .init(
            "MP4", "mp4", "H.264", "cut off, index at the end", "-c:v libx264 -pix_fmt yuv420p", patch: .cut(0.5),
            outcome: .refused("the index, which stands behind it, is missing")),
        .init(
            "MP4", "mp4", "H.264", "cut off, index at the start",
            "-c:v libx264 -pix_fmt yuv420p -movflags faststart -g 4", patch: .cut(0.6),
            outcome: .partly("it is cut off: its box mdat ends at byte")),
        .init(
            "Matroska", "mkv", "H.264", "cut off", "-c:v libx264 -pix_fmt yuv420p -g 4", patch: .cut(0.6),
            outcome: .partly("it is cut off: its segment ends at byte")),
        .init(
            "AVI", "avi", "MJPEG", "cut off", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p", patch: .cut(0.6),
            outcome: .partly("it is cut off: its RIFF list ends at byte")),
        .init(
            "MPEG-TS", "ts", "MPEG-2", "cut off", "-c:v mpeg2video -q:v 2 -bf 0", rate: 25, patch: .cut(0.6),
            note: "to the cut, without a word: the kind does not tell where it ends"),
    ]

    private static let unplayable: [FilmRow] = [
        .init(
            "MP4", "mp4", "H.264", "every byte of its pictures zero", "-c:v libx264 -pix_fmt yuv420p", patch: .blank,
            outcome: .refused("not one picture of it could be decoded")),
        .init(
            "MP4", "mp4", "H.264", "encrypted (CENC)",
            "-c:v libx264 -pix_fmt yuv420p -encryption_scheme cenc-aes-ctr"
                + " -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8",
            outcome: .refused("it is encrypted")),
        .init(
            "Flash (SWF)", "swf", "Sorenson H.263", "", "-c:v flv -q:v 2",
            outcome: .refused("what is there is no video (application/x-shockwave-flash")),
        .init(
            "MP4", "mp4", "none", "sound alone", "-f lavfi -i sine=duration=1 -map 1:a -c:a aac",
            outcome: .refused("it has no video track that can be decoded")),
        .init(
            "WAV", "wav", "none", "sound alone", "-f lavfi -i sine=duration=1 -map 1:a -c:a pcm_s16le",
            outcome: .refused("it has no video track that can be decoded")),
    ]
}
