import Digests
import Foundation

/// The error for a clip whose file cannot be read, which leaves the clip out of the data set.
package struct UnreadableFile: Error, CustomStringConvertible {
    package let path: String
    package let why: String
    package var description: String { "\(path): it cannot be read: \(why)" }

    package init(path: String, why: String) {
        self.path = path
        self.why = why
    }

    /// Returns the SHA-256 of `prefix` followed by the whole file, in hexadecimal digits.
    package static func digest(_ path: String, prefix: String) throws(UnreadableFile) -> String {
        try check(path)
        do { return try Digest.of(file: path, prefix: prefix) } catch {
            throw UnreadableFile(path: path, why: error.localizedDescription)
        }
    }

    /// Throws unless the path is a regular file, since reading from a pipe could wait forever.
    package static func check(_ path: String) throws(UnreadableFile) {
        var found = stat()
        guard stat(path, &found) == 0 else {
            let why = errno == ENOENT ? "there is no such file" : String(cString: strerror(errno))
            throw UnreadableFile(path: path, why: why)
        }
        guard found.st_mode & S_IFMT != S_IFDIR else { throw UnreadableFile(path: path, why: "it is a directory") }
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw UnreadableFile(path: path, why: "it is a pipe or a device, and no file")
        }
    }
}
