import Foundation

/// The bytes of a file: mapped read-only into memory and read on first access, or copied into memory.
///
/// The bytes never change or move after `init`. Callers see them only inside the closure of `withBytes`.
// @unchecked: the pointer is written in init only, the bytes are read-only
package final class MappedFile: @unchecked Sendable {
    package let path: String
    private let base: UnsafeRawPointer?
    private let isMapped: Bool
    package let count: Int

    /// Copies `bytes` into memory, for data that did not come from a file; `name` replaces the path in error messages.
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

    /// Calls `body` with the bytes of `range`, which must lie inside the file.
    ///
    /// The buffer is valid only until `body` returns.
    package func withBytes<R, E: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return try body(UnsafeRawBufferPointer(start: base.map { $0 + range.lowerBound }, count: range.count))
    }

    /// Lets the system reclaim the memory of mapped pages that were read; reading them again loads them from the file.
    package func releaseMemory() {
        if let base, isMapped { madvise(UnsafeMutableRawPointer(mutating: base), count, MADV_DONTNEED) }
    }
}
