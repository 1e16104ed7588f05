import Foundation
import Pixels
import TestSupport
import Testing

/// A film that a test makes, and the expected result of playing it.
struct FilmRow: CustomTestStringConvertible, Sendable {
    /// The expected outcome.
    enum Outcome: Sendable {
        /// Every picture that ffmpeg decodes is played, at its time.
        case plays
        /// The film is refused with a sentence that contains these words, without any picture.
        case refused(String)
        /// Some pictures are played, followed by a sentence that contains these words.
        case partly(String)
    }
    /// A change of the file that ffmpeg wrote.
    enum Patch: Sendable {
        case none
        case matrix(TrackMatrix)
        case cleanAperture
        /// Only this share of the file's bytes is kept.
        case cut(Double)
        /// The pictures' bytes are zeroed.
        case blank
    }

    let container: String
    let file: String
    let codec: String
    let variant: String
    let arguments: [String]
    /// The filters before the encoder; `size` and `rate` are those of the source.
    let filter: String?
    let size: String
    let rate: Int
    /// The arguments of a second run of ffmpeg, which reads `{film}`.
    let remux: String?
    /// The size of a second film that is appended to the first, byte by byte.
    let second: String?
    let patch: Patch
    /// The filters of ffmpeg that do what a player does; nil means ffmpeg's own rotation.
    let shown: String?
    let outcome: Outcome
    /// The least PSNR in dB against ffmpeg's pictures.
    let psnr: Double
    /// The number of first pictures that ffmpeg leaves out.
    let extra: Int
    /// The number of ffmpeg's pictures that are missing at the beginning and at the end.
    let missing: (first: Int, last: Int)
    /// The seconds by which all pictures come later than ffmpeg's.
    let later: Double
    /// Whether the file has no times, so that the frame rate determines them.
    let isCounted: Bool
    /// Words of a warning that must be given.
    let warning: String?
    /// The note in the row of the documentation's table.
    let note: String

    init(
        _ container: String, _ file: String, _ codec: String, _ variant: String, _ arguments: String,
        filter: String? = nil, size: String = "96x64", rate: Int = 10, remux: String? = nil, second: String? = nil,
        patch: Patch = .none, shown: String? = nil, outcome: Outcome = .plays, psnr: Double = 40, extra: Int = 0,
        missing: (first: Int, last: Int) = (0, 0), later: Double = 0, isCounted: Bool = false,
        warning: String? = nil, note: String = ""
    ) {
        (self.container, self.file, self.codec, self.variant) = (container, file, codec, variant)
        self.arguments = arguments.split(separator: " ").map(String.init)
        (self.filter, self.size, self.rate, self.remux, self.second) = (filter, size, rate, remux, second)
        (self.patch, self.shown, self.outcome, self.psnr) = (patch, shown, outcome, psnr)
        (self.extra, self.missing, self.later, self.isCounted) = (extra, missing, later, isCounted)
        (self.warning, self.note) = (warning, note)
    }

    var testDescription: String { [container, codec, variant].filter { !$0.isEmpty }.joined(separator: ", ") }
}

extension FilmRow {
    /// Makes the film in a folder.
    func make(in folder: URL) throws -> URL {
        let film = folder.appending(path: "film.\(file)")
        try encode(film, size)
        if let remux {
            let whole = folder.appending(path: "whole.\(file)")
            try FileManager.default.moveItem(at: film, to: whole)
            let words = remux.split(separator: " ").map { $0 == "{film}" ? whole.path : String($0) }
            try output(of: "ffmpeg", ["-v", "error"] + words + [film.path])
        }
        var bytes = [UInt8](try Data(contentsOf: film))
        if let second {
            let other = folder.appending(path: "second.\(file)")
            try encode(other, second)
            bytes += try Data(contentsOf: other)
        }
        switch patch {
        case .none: break
        case .matrix(let matrix): MovieBytes.set(matrix, in: &bytes)
        case .cleanAperture: MovieBytes.addAperture(width: 64, height: 48, right: -8, down: -4, to: &bytes)
        case .blank: MovieBytes.blank(&bytes)
        case .cut(let part): bytes.removeLast(bytes.count - Int(Double(bytes.count) * part))
        }
        try Data(bytes).write(to: film)
        return film
    }

    /// Encodes a film with smooth colours, so that the interpolation of chroma does not matter, and sharp brightness.
    private func encode(_ film: URL, _ size: String) throws {
        let filters = ["format=yuv444p", "gblur=sigma=5:planes=6"] + (filter.map { [$0] } ?? [])
        let scene = "testsrc2=size=\(size):rate=\(rate):duration=1.2,\(filters.joined(separator: ","))"
        try output(of: "ffmpeg", ["-v", "error", "-f", "lavfi", "-i", scene] + arguments + [film.path])
    }

    /// Decodes the film with ffmpeg; returns each picture's time, size, pixel aspect, and RGB.
    func reference(_ film: URL) throws -> [ReferencePicture] {
        let raw = film.appendingPathExtension("rgb")
        let decoding = ["-map", "0:v", "-fps_mode", "passthrough", "-autoscale", "0", "-pix_fmt", "rgb24"]
        let filters = shown.map { ["-vf", $0] } ?? []
        let input = ["-v", "error"] + (shown == nil ? [] : ["-noautorotate"]) + ["-i", film.path]
        // Two outputs of one run: the bytes, and a line a picture.
        let lines = String(
            decoding: try output(
                of: "ffmpeg",
                input + decoding + filters + ["-f", "rawvideo", raw.path]
                    + decoding + filters + ["-c:v", "rawvideo", "-f", "framecrc", "-"]), as: UTF8.self)
        return try ReferencePicture.read(lines, [UInt8](try Data(contentsOf: raw)), sizes: [second].compactMap { $0 })
    }
}

/// A picture as the ffmpeg command decodes it.
struct ReferencePicture {
    let time: Double
    let width: Int
    let height: Int
    let pixelAspect: Double
    let rgb: [UInt8]

    /// Reads the lines of the muxer `framecrc` with their pictures; `sizes` are the sizes after the first.
    static func read(_ lines: String, _ rgb: [UInt8], sizes: [String]) throws -> [ReferencePicture] {
        var (tick, aspect, start) = (1.0, 1.0, 0)
        var known: [[Int]] = sizes.map { $0.split(separator: "x").compactMap { Int($0) } }
        var found: [ReferencePicture] = []
        func ratio(_ line: Substring) -> Double {
            let words = line.split(separator: " ").last?.split(separator: "/").compactMap { Double($0) } ?? []
            return words.count == 2 && words[0] > 0 && words[1] > 0 ? words[0] / words[1] : 1
        }
        for line in lines.split(separator: "\n") {
            if line.hasPrefix("#tb") { tick = ratio(line) }
            if line.hasPrefix("#sar") { aspect = ratio(line) }
            if line.hasPrefix("#dimensions"), let words = line.split(separator: " ").last {
                known.insert(words.split(separator: "x").compactMap { Int($0) }, at: 0)
            }
            let fields = line.split(separator: ",").map { $0.filter { $0 != " " } }
            guard !line.hasPrefix("#"), fields.count > 4, let pts = Double(fields[2]), let count = Int(fields[4])
            else { continue }
            // Two sizes may have one number of pixels: the second film's pictures are those of the later half.
            let fitting = known.filter { $0.count == 2 && $0[0] * $0[1] * 3 == count }
            guard let size = fitting.first, start + count <= rgb.count else {
                throw ProgramError(description: "ffmpeg: expected pictures of known sizes, found \(line)")
            }
            found.append(
                .init(
                    time: pts * tick, width: size[0], height: size[1], pixelAspect: aspect,
                    rgb: Array(rgb[start..<start + count])))
            start += count
        }
        return found
    }

    /// The picture made square in the way of Watchword.
    func square(_ side: Int) -> [UInt8] {
        rgb.withUnsafeBufferPointer { samples in
            guard let first = samples.baseAddress else { return [] }
            let frame = DecodedFrame(rgb: first, width: width, height: height, stride: width * 3)
            return Resizer(side: side).picture(frame.shown(.upright, pixelAspect: pixelAspect)).rgb
        }
    }
}

/// The peak signal-to-noise ratio of two pictures in dB.
func psnr(_ a: [UInt8], _ b: [UInt8]) -> Double {
    guard a.count == b.count, !a.isEmpty else { return 0 }
    var squares = 0
    a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            for i in a.indices { squares += (Int(a[i]) - Int(b[i])) * (Int(a[i]) - Int(b[i])) }
        }
    }
    return squares == 0 ? .infinity : 10 * log10(255 * 255 * Double(a.count) / Double(squares))
}
