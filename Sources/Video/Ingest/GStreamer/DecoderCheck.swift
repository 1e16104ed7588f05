import CGStreamer
import CPlatform
import Foundation
import Pixels
import StreamSources

/// Decodes small pictures of known colours, to test the decoders that GStreamer chooses on this machine.
package enum DecoderCheck {
    /// Returns an error message for each kind of picture that is decoded with wrong colours; empty if all are right.
    ///
    /// It blocks the calling thread for some hundredths of a second.
    package static func problems() -> [String] {
        var problems: [String] = []
        // Rows of red and blue: a decoder that drops chroma rows makes both the same colour.
        let rows = (0..<16).flatMap { y in (0..<16).flatMap { _ in y % 2 == 0 ? red : blue } }
        if let jpeg = JPEGFile.encoded422(rgb: rows, width: 16, height: 16) {
            check("JPEG 4:2:2", jpeg, rows, 16, "install gstreamer1.0-libav and gstreamer1.0-plugins-bad", &problems)
        }
        let plain = (0..<64).flatMap { _ in deep }
        if let png = Data(base64Encoded: deepPNG) {
            check("PNG 16 bit", [UInt8](png), plain, 8, "install gstreamer1.0-plugins-good", &problems)
        }
        return problems
    }

    private static let red: [UInt8] = [200, 40, 40]
    private static let blue: [UInt8] = [40, 40, 200]
    private static let deep: [UInt8] = [200, 40, 120]
    /// A PNG of 8 x 8 pixels of the colour `deep`, with 16 bits a channel.
    private static let deepPNG =
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIEAIAAAAb/fWfAAAAF0lEQVR42mM4cUJDo6KCeJJhVAMtNAAAKZ60Af38T1cAAAAASUVORK5CYII="

    private static func check(
        _ kind: String, _ file: [UInt8], _ rgb: [UInt8], _ side: Int, _ advice: String, _ problems: inout [String]
    ) {
        do {
            let decoded = try decode(file, side: side)
            let worst = zip(decoded.rgb, rgb).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
            guard worst > 12 else { return }
            problems.append("\(kind): colours are up to \(worst) levels off; \(advice)")
        } catch {
            problems.append("\(kind): \(error); \(advice)")
        }
    }

    /// Decodes a picture's file from memory by a pipeline like that for films.
    private static func decode(_ bytes: [UInt8], side: Int) throws(SourceError) -> Picture {
        let descriptor = ww_memory_file("watchword.check")
        guard descriptor >= 0 else { throw SourceError("there is no memory") }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do { try file.write(contentsOf: Data(bytes)) } catch { throw SourceError("there is no memory") }
        let pipeline = try Pipeline(
            "filesrc location=/proc/self/fd/\(descriptor) ! decodebin ! videoconvert ! appsink name=frames sync=false",
            shown: "the check")
        gst_element_set_state(pipeline.element, GST_STATE_PLAYING)
        guard let sample = ww_app_sink_wait(pipeline.sink, 5_000_000_000) else {
            throw SourceError("no decoder takes it")
        }
        defer { ww_unref_sample(sample) }
        let resizer = Resizer(side: side)
        let picture = Pipeline.withFrame(sample, squarePixels: true) { resizer.picture($0) }
        guard let picture else { throw SourceError("its decoder gives no picture") }
        return picture
    }
}
