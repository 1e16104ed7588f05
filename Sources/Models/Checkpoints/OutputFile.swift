import Foundation

/// A new file that is written from front to back, and is on the disk when `finish` returns.
package struct OutputFile: ~Copyable {
    package let path: String
    private let descriptor: Int32

    /// Creates the file; there must be none of that name.
    package init(path: String) throws(WriteError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw WriteError(path, errno: errno) }
    }

    deinit { close(descriptor) }

    package func write(_ bytes: [UInt8]) throws(WriteError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw WriteError(path, errno: count < 0 ? errno : ENOSPC) }
            written += count
        }
    }

    /// Waits until what was written is on the disk.
    package func finish() throws(WriteError) {
        guard fsync(descriptor) == 0 else { throw WriteError(path, errno: errno) }
    }
}

/// A file or directory that could not be written, and why.
package struct WriteError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let reason: String

    package init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    package init(_ path: String, errno code: Int32) { self.init(path, String(cString: strerror(code))) }

    package var description: String { "\(path) cannot be written: \(reason)" }
}
