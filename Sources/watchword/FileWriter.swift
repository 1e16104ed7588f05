import Foundation
import Ingest
import Synchronization
import SystemSupport

/// A file that a command writes: one that is named to it, or in a directory that is.
///
/// A file that cannot be written is refused by one sentence. Devices and pipes are written into, never replaced.
final class FileWriter: Sendable {
    private let descriptor: Int32
    private let path: String
    private let isOpen = Atomic(true)

    /// Makes the file, or empties the one that is there.
    init(_ path: String) throws(FileError) {
        self.path = path
        descriptor = open(ProcessArguments.path(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(path, errno) }
    }

    deinit { if isOpen.load(ordering: .relaxed) { Glibc.close(descriptor) } }

    func write(_ data: Data) throws(FileError) {
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

    /// Some file systems only now say that there is no room.
    func close() throws(FileError) {
        isOpen.store(false, ordering: .relaxed)
        guard Glibc.close(descriptor) == 0 else { throw FileError(path, errno) }
    }

    /// Writes a whole file; a plain one is there whole, or not at all, and what a link leads to in the link's place.
    static func write(_ data: Data, to path: String) throws(FileError) {
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

    static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw FileError(path, (error as? CocoaError)?.underlyingCode ?? EIO)
        }
    }
}

/// A file or directory that cannot be written, and why.
struct FileError: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    init(_ path: String, _ code: Int32) { (self.path, self.code) = (path, code) }

    var description: String { "\(path) cannot be written: \(String(cString: strerror(code)))" }

    /// Whether the place is right, and there is no room in it, or it is broken.
    var isFault: Bool { [ENOSPC, EDQUOT, EFBIG, EIO, EPIPE].contains(code) }
}

extension CocoaError {
    fileprivate var underlyingCode: Int32? {
        ((userInfo[NSUnderlyingErrorKey] as? NSError)?.code).flatMap { Int32(exactly: $0) }
    }
}
