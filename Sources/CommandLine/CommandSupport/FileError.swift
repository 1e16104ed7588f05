import Foundation

/// A file or directory that cannot be written, and why.
package struct FileError: Error, CustomStringConvertible {
    package let path: String
    /// The failure's `errno`.
    package let code: Int32

    package init(_ path: String, _ code: Int32) { (self.path, self.code) = (path, code) }

    package var description: String { "\(path) cannot be written: \(String(cString: strerror(code)))" }

    /// Whether the path is right, but the disk is full or broken.
    package var isFault: Bool { [ENOSPC, EDQUOT, EFBIG, EIO, EPIPE].contains(code) }
}
