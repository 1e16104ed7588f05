package import Foundation
import StreamSources
import Synchronization
import SystemSupport

/// Writes a file that a command's arguments name, or that lies in a directory that they name.
///
/// Devices and pipes are written into, never replaced.
package final class FileWriter: Sendable {
    private let descriptor: Int32
    private let path: String
    private let isOpen = Atomic(true)

    /// Creates the file, or empties an existing one.
    package init(_ path: String) throws(FileError) {
        self.path = path
        descriptor = open(ProcessArguments.path(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(path, errno) }
    }

    deinit { if isOpen.load(ordering: .relaxed) { Glibc.close(descriptor) } }

    /// Writes all of the data, in several system calls if needed.
    package func write(_ data: Data) throws(FileError) {
        var written = 0
        while written < data.count {
            let count = data.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileError(path, count < 0 ? errno : EIO) }
            written += count
        }
    }

    /// Closes the file; throws if that fails, since some file systems report a full disk only then.
    package func close() throws(FileError) {
        isOpen.store(false, ordering: .relaxed)
        guard Glibc.close(descriptor) == 0 else { throw FileError(path, errno) }
    }

    /// Writes a file atomically.
    ///
    /// A symbolic link is followed, so that its target is replaced. A device or pipe is written into.
    package static func write(_ data: Data, to path: String) throws(FileError) {
        switch OutputPlace(path) {
        case .stream(let place):
            let file = try FileWriter(place)
            try file.write(data)
            try file.close()
        case .file(let place):
            do throws(WriteError) {
                try AtomicFile.write(data, to: place)
            } catch {
                throw FileError(path, error.code)
            }
        }
    }

    /// Creates a directory and its parents; an existing one is no error.
    package static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw FileError(path, (error as? CocoaError)?.underlyingCode ?? EIO)
        }
    }
}

extension CocoaError {
    fileprivate var underlyingCode: Int32? {
        ((userInfo[NSUnderlyingErrorKey] as? NSError)?.code).flatMap { Int32(exactly: $0) }
    }
}
