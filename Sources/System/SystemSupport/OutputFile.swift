package import Foundation

/// A new file that is written from its beginning to its end, and is on the disk when `finish` has returned.
package struct OutputFile: ~Copyable {
    package let path: String
    private let descriptor: Int32

    /// Creates the file; throws if a file or link of that name exists.
    ///
    /// The file's permissions are exactly `mode`; nil means 0644 less the umask.
    package init(path: String, mode: mode_t? = nil) throws(WriteError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode ?? 0o644)
        guard descriptor >= 0 else { throw WriteError(path, errno: errno) }
        if let mode, fchmod(descriptor, mode) != 0 { throw WriteError(path, errno: errno) }
    }

    deinit { close(descriptor) }

    package func write(_ bytes: some ContiguousBytes) throws(WriteError) {
        var code: Int32 = 0
        bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    code = count < 0 ? errno : ENOSPC
                    return
                }
                written += count
            }
        }
        if code != 0 { throw WriteError(path, errno: code) }
    }

    /// Syncs the written bytes to the disk.
    package func finish() throws(WriteError) {
        guard fsync(descriptor) == 0 else { throw WriteError(path, errno: errno) }
    }
}

/// The error of a file or directory that could not be written.
package struct WriteError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let reason: String
    /// The system's error number (`errno`); EIO if the failure had none.
    package let code: Int32

    package init(_ path: String, _ reason: String, code: Int32 = EIO) {
        (self.path, self.reason, self.code) = (path, reason, code)
    }

    package init(_ path: String, errno code: Int32) {
        (self.path, reason, self.code) = (path, String(cString: strerror(code)), code)
    }

    package var description: String { "\(path) cannot be written: \(reason)" }
}
