import Foundation

/// A file mapped read-only into memory; its pages are read when they are touched.
///
/// Immutable after `init`: the mapping is never written, moved or shared out beyond a closure.
// @unchecked: the pointer is written in init only, the pages are read-only
package final class MappedFile: @unchecked Sendable {
    package let path: String
    private let base: UnsafeRawPointer?
    package let count: Int

    package init(path: String) throws(CheckpointError) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CheckpointError(path, .cannotOpen(String(cString: strerror(errno)))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CheckpointError(path, .cannotOpen("it is not a regular file"))
        }
        count = Int(status.st_size)
        guard count > 0 else {
            base = nil
            return
        }
        guard let mapped = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), mapped != MAP_FAILED else {
            throw CheckpointError(path, .cannotOpen(String(cString: strerror(errno))))
        }
        base = UnsafeRawPointer(mapped)
    }

    deinit {
        if let base { munmap(UnsafeMutableRawPointer(mutating: base), count) }
    }

    /// Lends the bytes `[offset, offset + count)`, which must lie inside the file, for the length of the call.
    package func withBytes<R, E: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return try body(UnsafeRawBufferPointer(start: base.map { $0 + range.lowerBound }, count: range.count))
    }

    /// Gives back the memory of pages that were read; reading them again is cheap while the system caches them.
    package func forget() {
        if let base { madvise(UnsafeMutableRawPointer(mutating: base), count, MADV_DONTNEED) }
    }
}
