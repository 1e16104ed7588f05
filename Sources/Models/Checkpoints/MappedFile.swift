import Foundation

/// A file mapped read-only into memory, whose pages are read on first access; or bytes held in memory.
///
/// Immutable after `init`: the bytes are never written or moved, and leave only as an argument of a closure.
// @unchecked: the pointer is written in init only, the bytes are read-only
package final class MappedFile: @unchecked Sendable {
    package let path: String
    private let base: UnsafeRawPointer?
    private let isMapped: Bool
    package let count: Int

    /// Copies bytes into memory, for readers of files from elsewhere; `name` appears in messages.
    package init(bytes: UnsafeRawBufferPointer, name: String) {
        path = name
        isMapped = false
        count = bytes.count
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyMemory(from: bytes)
        base = UnsafeRawPointer(copy.baseAddress)
    }

    package init(path: String) throws(CheckpointError) {
        self.path = path
        isMapped = true
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
        guard let base else { return }
        let pointer = UnsafeMutableRawPointer(mutating: base)
        if isMapped { munmap(pointer, count) } else { pointer.deallocate() }
    }

    /// Lends the bytes `[offset, offset + count)`, which must lie inside the file, for the duration of `body`.
    package func withBytes<R, E: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return try body(UnsafeRawBufferPointer(start: base.map { $0 + range.lowerBound }, count: range.count))
    }

    /// Releases the memory of pages that were read; reading them again is cheap while the system caches them.
    package func releaseMemory() {
        if let base, isMapped { madvise(UnsafeMutableRawPointer(mutating: base), count, MADV_DONTNEED) }
    }
}
