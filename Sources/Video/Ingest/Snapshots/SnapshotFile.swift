import Foundation
import StreamSources

/// Reads the picture in a file that another program rewrites from time to time.
final class SnapshotFile: SnapshotReader {
    /// The attributes of a file by which a rewrite is noticed.
    private struct Mark: Equatable {
        let device, inode: UInt64
        let size: Int64
        let seconds, nanoseconds: Int

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        }
    }

    private let path: SourcePath
    private let shown: String
    private var seen: Mark?

    init(path: SourcePath, shown: String) { (self.path, self.shown) = (path, shown) }

    func next() throws(SnapshotFault) -> [UInt8]? {
        // If a pipe is in the file's place, opening it must not block.
        let descriptor = open(path.terminated, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            // The program that writes the file may have removed it for a moment.
            throw .passing("\(shown): \(errno == ENOENT ? "there is no such file" : String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .lasting("\(shown): expected a file that holds a picture")
        }
        let mark = Mark(status)
        guard mark != seen else { return nil }
        guard status.st_size <= SnapshotLimits.bytes else {
            throw .passing(
                "\(shown): it has \(status.st_size >> 20) MiB, at most \(SnapshotLimits.bytes >> 20) are read")
        }
        let bytes = try contents(descriptor, count: Int(status.st_size))
        seen = mark
        return bytes
    }

    func forget() { seen = nil }

    private func contents(_ descriptor: Int32, count: Int) throws(SnapshotFault) -> [UInt8] {
        var (filled, failed) = (0, false)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count, let start = buffer.baseAddress {
                let got = read(descriptor, start + filled, count - filled)
                if got < 0, errno == EINTR { continue }
                failed = got < 0
                guard got > 0 else { break }
                filled += got
            }
            initialized = filled
        }
        guard !failed else { throw .passing("\(shown): it cannot be read") }
        return bytes
    }
}
