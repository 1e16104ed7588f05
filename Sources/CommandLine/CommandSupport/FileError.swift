import Foundation

/// The error for a file or directory that cannot be written.
package struct FileError: Error, CustomStringConvertible {
    package let path: String
    /// The `errno` of the failure.
    package let code: Int32

    package init(_ path: String, _ code: Int32) { (self.path, self.code) = (path, code) }

    package var description: String { "\(path) cannot be written: \(String(cString: strerror(code)))" }

    /// True if the path is right, but the disk is full or broken, or a pipe's reader is gone.
    package var isFault: Bool { [ENOSPC, EDQUOT, EFBIG, EIO, EPIPE].contains(code) }
}
