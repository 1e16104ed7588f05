import CGStreamer
import Foundation
import SystemSupport

/// Writes pictures to a file as video (H.264 in MP4), or to a directory as one PNG for each frame.
///
/// It blocks for the disk and the encoder, so it must be called outside Swift's cooperative thread pool.
package struct VideoWriter: Sendable {
    package let width: Int
    package let height: Int
    /// The number of frames per second, a whole number.
    package let fps: Int

    package init(width: Int, height: Int, fps: Int) {
        precondition(width > 0 && height > 0 && fps > 0)
        (self.width, self.height, self.fps) = (width, height, fps)
    }

    /// Writes an MP4 file, which appears complete or not at all.
    ///
    /// `next` returns the RGB bytes of a frame by its number (from 0), and nil after the last frame.
    package func writeH264(to path: String, next: @escaping (Int) throws -> [UInt8]?) throws {
        switch OutputPlace(path) {
        case .file(let file):
            do {
                try AtomicFile.write(to: file) { try encode(to: $0, path, next) }
            } catch let error as WriteError {
                throw VideoWriteError(path, error.reason)
            }
        case .stream:
            // The muxer writes to earlier places of its file, which a pipe does not allow.
            let whole = NSTemporaryDirectory() + "/\(UUID().uuidString).mp4"
            defer { try? FileManager.default.removeItem(atPath: whole) }
            try encode(to: whole, path, next)
            try Self.copy(whole, into: path)
        }
    }

    private func encode(to file: String, _ path: String, _ next: @escaping (Int) throws -> [UInt8]?) throws {
        let encoder =
            "video/x-raw,format=I420 ! x264enc pass=quant quantizer=22 key-int-max=\(2 * fps) threads=1 "
            + "! video/x-h264,profile=high ! h264parse ! mp4mux faststart=true"
        try run(
            encoder + " ! filesink location=\(PipelineTemplates.quoted(file))", path, elements: ["x264enc", "mp4mux"],
            next)
    }

    /// Copies a file's bytes into a device or a pipe.
    private static func copy(_ file: String, into path: String) throws {
        func failure() -> VideoWriteError { VideoWriteError(path, String(cString: strerror(errno))) }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        let output = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let input = try FileHandle(forReadingFrom: URL(filePath: file))
        defer { try? input.close() }
        while let chunk = try input.read(upToCount: 1 << 20), !chunk.isEmpty {
            do { try output.write(contentsOf: chunk) } catch { throw failure() }
        }
    }

    /// Writes each frame as a PNG, `00000.png`, `00001.png` and so on, into an existing directory.
    package func writePNG(into folder: String, next: @escaping (Int) throws -> [UInt8]?) throws {
        let names = PipelineTemplates.quoted(folder.replacing("%", with: "%%") + "/%05d.png")
        try run("pngenc ! multifilesink location=\(names)", folder, elements: ["pngenc", "multifilesink"], next)
    }

    private func run(
        _ rest: String, _ path: String, elements: [String], _ next: @escaping (Int) throws -> [UInt8]?
    ) throws {
        try GStreamer.initialize()
        for element in elements where !GStreamer.hasElement(element) {
            throw VideoWriteError(path, "GStreamer's element \(element) is not installed")
        }
        let caps = "video/x-raw,format=RGB,width=\(width),height=\(height),framerate=\(fps)/1"
        let line = "appsrc name=pictures format=time caps=\(caps) ! videoconvert ! \(rest)"
        var error: UnsafeMutablePointer<GError>?
        let parsed = gst_parse_launch_full(line, nil, GST_PARSE_FLAG_FATAL_ERRORS, &error)
        defer { g_clear_error(&error) }
        guard let parsed else {
            throw VideoWriteError(path, error.map { String(cString: $0.pointee.message) } ?? "unknown error")
        }
        gst_object_ref_sink(parsed)  // was floating: now ours
        defer {
            gst_element_set_state(parsed, GST_STATE_NULL)
            gst_object_unref(parsed)
        }
        let feed = PictureFeed(fps: fps, next: next)
        try feed.attach(to: parsed, shown: path)
        guard gst_element_set_state(parsed, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE,
            let bus = gst_element_get_bus(parsed)
        else { throw VideoWriteError(path, "there is no such directory, or it may not be written to") }
        defer { gst_object_unref(bus) }
        let kinds = GstMessageType(rawValue: GST_MESSAGE_EOS.rawValue | GST_MESSAGE_ERROR.rawValue)
        guard let message = gst_bus_timed_pop_filtered(bus, ww_no_time(), kinds) else { return }
        defer { ww_unref_message(message) }
        if let failure = feed.failure { throw failure }
        guard ww_message_type(message) == GST_MESSAGE_ERROR else { return }
        let report = SourceReport(message)
        throw VideoWriteError(
            path, report.systemError ?? report.plain,
            isFault: report.isResource(GST_RESOURCE_ERROR_WRITE, GST_RESOURCE_ERROR_NO_SPACE_LEFT))
    }
}

/// The error for a video that could not be written: the path and the reason.
package struct VideoWriteError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let reason: String

    /// True if the path is valid but cannot be written, as on a full disk.
    package let isFault: Bool

    init(_ path: String, _ reason: String, isFault: Bool = false) {
        (self.path, self.reason, self.isFault) = (path, reason, isFault)
    }

    package var description: String { "\(path) cannot be written: \(reason)" }
}
