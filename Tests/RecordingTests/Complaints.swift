import Foundation
import TestSupport

/// What ffmpeg complains of when it decodes a file.
func complaints(of file: String) throws -> String {
    let command = "ffmpeg -v error -i \"$1\" -f rawvideo -y /dev/null 2>&1"
    return String(decoding: try output(of: "bash", ["-c", command, "bash", file]), as: UTF8.self)
}
