import CKernels
import Foundation

/// The bytes of a segment, read in parts.
protocol SegmentBytes: AnyObject {
    /// The bytes from a position on, at most `count`, fewer at the end; valid until the next call.
    func view(_ place: Int, _ count: Int) -> UnsafeRawBufferPointer
    /// The number of bytes that exist now.
    var size: Int { get }
    /// Whether reading failed, so that there may be more than was read.
    var hasFailed: Bool { get }
}

/// The bytes of a file, by positioned reads into a buffer that is allocated once.
final class FileBytes: SegmentBytes {
    private let descriptor: Int32
    private let most: Int
    private var buffer: UnsafeMutableRawBufferPointer?
    private(set) var hasFailed = false

    /// Reads a file whose descriptor remains the caller's.
    ///
    /// `most` is the length of the longest view in bytes.
    init(_ descriptor: Int32, most: Int) { (self.descriptor, self.most) = (descriptor, most) }

    deinit { buffer?.deallocate() }

    var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The range that the buffer holds: when a view grows, only the rest is read.
    private var held = 0..<0

    func view(_ place: Int, _ count: Int) -> UnsafeRawBufferPointer {
        let count = min(count, most)
        let buffer = self.buffer ?? .allocate(byteCount: most, alignment: 64)
        self.buffer = buffer
        let known = held.lowerBound == place ? held.count : 0
        if known < count {
            let found = Self.read(
                descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[known..<count]), at: place + known)
            hasFailed = hasFailed || found.hasFailed
            held = place..<place + known + found.count
        }
        // A file's end moves: what lies there is read again the next time.
        defer { if held.count < count { held = 0..<0 } }
        return UnsafeRawBufferPointer(rebasing: buffer[..<min(count, held.count)])
    }

    /// Reads until the buffer is full, the file ends or reading fails; returns the number of bytes read.
    static func read(
        _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at place: Int
    ) -> (count: Int, hasFailed: Bool) {
        var have = 0
        while have < buffer.count, let base = buffer.baseAddress {
            let count = pread(descriptor, base + have, buffer.count - have, off_t(place + have))
            if count < 0, errno == EINTR { continue }
            if count < 0 { return (have, true) }
            if count == 0 { break }
            have += count
        }
        return (have, false)
    }
}

/// Stretches of a sealed file as they lie in the page cache, mapped one after the other; belongs to one thread.
///
/// Bytes that are read once are not copied. A page that cannot be read raises a signal: only code guarded against it
/// (`ww_history_mapped_dots`) reads what `view` gives (ADR 42).
final class MappedRows {
    /// Whole pages of the largest size: one entry of a table for each, where the page cache has such.
    private static let page = 1 << 21
    private static let stretch = 4 * page
    /// Faults of a stretch that is in such pages, with some to spare; small ones have 64 or more.
    private static let mostFaults = 24

    private let descriptor: Int32
    private let size: Int
    /// Addresses for a stretch, with room to begin it at a page.
    private let reserved: UnsafeMutableRawPointer
    private let start: UnsafeMutableRawPointer
    /// The range of the file that is mapped now, in bytes.
    private var held = 0..<0
    /// The thread's faults when it was mapped.
    private var faults = 0
    /// Whether the file's pages are small: then a copy is cheaper.
    private var isSlow = false

    /// Reserves addresses for a file, whose descriptor stays the caller's; nil if there are none.
    init?(_ descriptor: Int32, size: Int) {
        (self.descriptor, self.size) = (descriptor, size)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let reserved = mmap(nil, Self.stretch + Self.page, PROT_NONE, flags, -1, 0), reserved != MAP_FAILED
        else { return nil }
        self.reserved = reserved
        start = reserved.alignedUp(toMultipleOf: Self.page)
    }

    deinit { munmap(reserved, Self.stretch + Self.page) }

    /// Bytes of the file, valid until the next call; nil where they cannot be mapped, or are not worth it.
    func view(_ place: Int, _ count: Int) -> UnsafeRawPointer? {
        guard !isSlow, place >= 0, count >= 0, place + count <= size else { return nil }
        if place < held.lowerBound || place + count > held.upperBound {
            let from = place / Self.page * Self.page
            let now = ww_thread_faults()
            if !held.isEmpty, now - faults > Self.mostFaults { isSlow = true }
            (held, faults) = (0..<0, now)
            guard !isSlow, place + count <= from + Self.stretch,
                mmap(start, Self.stretch, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor, off_t(from)) == start
            else { return nil }
            // What is not in the cache yet comes in pages of that size.
            madvise(start, Self.stretch, MADV_HUGEPAGE)
            held = from..<from + Self.stretch
        }
        return UnsafeRawPointer(start + (place - held.lowerBound))
    }
}

extension FileBytes {
    /// Writes all bytes, or none, so that the file ends where it did; returns 0 or the error number.
    static func write(_ bytes: [UInt8], to descriptor: Int32, at place: Int) -> Int32 {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written, off_t(place + written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = count < 0 ? errno : ENOSPC
                ftruncate(descriptor, off_t(place))
                return code
            }
            written += count
        }
        return 0
    }
}

/// A copy of a segment's tail in memory: at most the entries of one block, in small blocks.
// @unchecked: nothing writes to `bytes` once it is made
final class TailBytes: SegmentBytes, @unchecked Sendable {
    let path: String
    private let bytes: UnsafeMutableRawBufferPointer
    let size: Int
    var hasFailed: Bool { false }

    /// Reads the tail of a segment; nil if there is none.
    init?(of segment: String) {
        path = segment + ".tail"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > SegmentHeader.size,
            status.st_size <= Self.most
        else { return nil }
        bytes = .allocate(byteCount: Int(status.st_size), alignment: 64)
        size = FileBytes.read(descriptor, bytes, at: 0).count
    }
    /// The greatest size: the rows of a block of the greatest width, and as much again for headers of small blocks.
    private static let most = 1 << 25

    deinit { bytes.deallocate() }

    func view(_ place: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[min(place, size)..<min(place + count, size)])
    }
}
