import Foundation

/// The slices of coded video, which a copy leaves as they are: what a container or a start code adds is left out.
package enum CodedSlices {
    /// The slices of an MP4 file in the order of decoding, by ffmpeg.
    package static func of(file: String, isH265: Bool = false) throws -> [[UInt8]] {
        let raw = FileManager.default.temporaryDirectory.appending(path: "raw-\(UUID()).bin").path
        defer { try? FileManager.default.removeItem(atPath: raw) }
        let kind = isH265 ? "hevc" : "h264"
        try output(
            of: "ffmpeg",
            ["-loglevel", "error", "-i", file, "-c", "copy", "-bsf:v", "\(kind)_mp4toannexb", "-f", kind, raw])
        return of(startCodes: Array(try Data(contentsOf: URL(filePath: raw))), isH265: isH265)
    }

    /// The slices of a unit whose parts begin with start codes, or with their lengths in 4 bytes.
    package static func of(unit: [UInt8], hasStartCodes: Bool, isH265: Bool = false) -> [[UInt8]] {
        guard !hasStartCodes else { return of(startCodes: unit, isH265: isH265) }
        var (parts, place) = ([[UInt8]](), 0)
        while place + 4 <= unit.count {
            let length = unit[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            guard place + 4 + length <= unit.count else { break }
            parts.append(Array(unit[place + 4..<place + 4 + length]))
            place += 4 + length
        }
        return parts.filter { isSlice($0, isH265) }
    }

    private static func of(startCodes bytes: [UInt8], isH265: Bool) -> [[UInt8]] {
        var starts: [Int] = []
        var zeros = 0
        for (index, byte) in bytes.enumerated() {
            if byte == 1, zeros >= 2 { starts.append(index + 1) }
            zeros = byte == 0 ? zeros + 1 : 0
        }
        return starts.enumerated().map { number, start in
            var end = number + 1 < starts.count ? starts[number + 1] - 3 : bytes.count
            while end > start, bytes[end - 1] == 0 { end -= 1 }
            return Array(bytes[start..<end])
        }.filter { isSlice($0, isH265) }
    }

    private static func isSlice(_ part: [UInt8], _ isH265: Bool) -> Bool {
        guard let header = part.first else { return false }
        return isH265 ? header >> 1 & 63 < 32 : (1...5).contains(header & 31)
    }
}
