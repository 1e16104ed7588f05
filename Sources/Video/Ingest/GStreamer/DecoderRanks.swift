import CGStreamer
import Foundation

/// Changes the ranks of GStreamer's decoders where its own order would give wrong pictures.
///
/// - `jpegdec` outputs every JPEG as 4:2:0, and drops chroma samples unfiltered for that. `avdec_mjpeg` keeps the
///   stored samples; it needs whole pictures, so `jpegparse` precedes it.
/// - `pngdec` shifts channels of 16 bits; gdk-pixbuf's decoder does not. It also reads other formats, for which other
///   decoders have a higher rank.
/// - `openjpegdec` and `libde265dec` keep their ranks: their pictures equal ffmpeg's.
enum DecoderRanks {
    /// The lowest rank with which `decodebin` still uses a decoder (`GST_RANK_MARGINAL`).
    private static let lowest: UInt32 = 64
    private static let none: UInt32 = 0

    /// The GStreamer decoders and parsers whose ranks are changed, with the new ranks.
    private static let ranks: [(element: String, rank: UInt32)] = [
        ("jpegparse", 258), ("avdec_mjpeg", 257), ("jpegdec", none),
        ("gdkpixbufdec", lowest), ("pngdec", none), ("avdec_png", none),
        ("avdec_gif", 128), ("avdec_bmp", 128), ("avdec_tiff", 128), ("avdec_targa", 128), ("avdec_pcx", 128),
        ("avdec_sunrast", 128), ("avdec_ppm", 128), ("avdec_pgm", 128), ("avdec_pbm", 128),
    ]
    /// The elements that replace each decoder; if one is not installed, the decoder keeps its rank.
    private static let replacements = [
        "jpegdec": ["avdec_mjpeg", "jpegparse"], "pngdec": ["gdkpixbufdec"], "avdec_png": ["gdkpixbufdec"],
    ]

    /// Sets the new ranks in GStreamer's registry of this process.
    static func apply() {
        guard let registry = gst_registry_get() else { return }
        // Ranks that the operator has set are kept.
        let chosen = ProcessInfo.processInfo.environment["GST_PLUGIN_FEATURE_RANK"] ?? ""
        func feature(_ name: String) -> OpaquePointer? {
            gst_registry_lookup_feature(registry, name)
        }
        func exists(_ name: String) -> Bool {
            guard let found = feature(name) else { return false }
            gst_object_unref(UnsafeMutableRawPointer(found))
            return true
        }
        for (element, rank) in ranks where !chosen.contains("\(element):") {
            guard let found = feature(element) else { continue }
            defer { gst_object_unref(UnsafeMutableRawPointer(found)) }
            guard replacements[element, default: []].allSatisfy(exists) else { continue }
            gst_plugin_feature_set_rank(found, rank)
        }
    }
}
