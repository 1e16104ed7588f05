import CKernels
import Foundation

/// The bytes of a history file, or of its `.tail` file (its incomplete last block), read in parts.
package protocol SegmentBytes: AnyObject {
    /// Returns at most `count` bytes from an offset on, fewer at the end; they are valid until the next call.
    func view(_ place: Int, _ count: Int) -> UnsafeRawBufferPointer
    /// The number of bytes that the file has now.
    var size: Int { get }
    /// True if reading has failed, so that the file may have more bytes than were returned.
    var hasFailed: Bool { get }
}

/// Reads the bytes of a file by pread(2) into a buffer that is allocated once.
package final class FileBytes: SegmentBytes {
    private let descriptor: Int32
    private let most: Int
    private var buffer: UnsafeMutableRawBufferPointer?
    package private(set) var hasFailed = false

    /// Prepares to read an open file; the caller keeps and closes the descriptor.
    ///
    /// `most` is the length of the longest view in bytes.
    package init(_ descriptor: Int32, most: Int) { (self.descriptor, self.most) = (descriptor, most) }

    deinit { buffer?.deallocate() }

    package var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The range of the file that the buffer has, in bytes.
    ///
    /// If the next view begins at the same offset, only the rest is read.
    private var held = 0..<0

    package func view(_ place: Int, _ count: Int) -> UnsafeRawBufferPointer {
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
        // The file may grow, so a part that reached its end is read again the next time.
        defer { if held.count < count { held = 0..<0 } }
        return UnsafeRawBufferPointer(rebasing: buffer[..<min(count, held.count)])
    }

    /// Reads until the buffer is full, the file ends or reading fails; returns the number of bytes read.
    package static func read(
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

/// Maps one stretch after another of a finished history file from the page cache; belongs to one thread.
///
/// So bytes that are read once need not be copied. A page that cannot be read raises a signal: only code that is
/// guarded against it (`ww_history_mapped_dots`) may read the bytes of `view` (ADR 42).
final class MappedRows {
    /// The size in bytes of the largest pages (2 MiB).
    ///
    /// If the page cache has such pages, each takes a single item of the page table.
    private static let page = 1 << 21
    private static let stretch = 4 * page
    /// The greatest number of page faults while reading a stretch that is in large pages, with a margin.
    ///
    /// In small pages, a stretch causes 64 faults or more.
    private static let mostFaults = 24

    private let descriptor: Int32
    private let size: Int
    /// The reserved addresses for a stretch, with room to align it to a large page.
    private let reserved: UnsafeMutableRawPointer
    private let start: UnsafeMutableRawPointer
    /// The range of the file that is mapped now, in bytes.
    private var held = 0..<0
    /// The thread's count of page faults when the present stretch was mapped.
    private var faults = 0
    /// True if the page cache has the file in small pages, so that copying is faster than mapping.
    private var isSlow = false

    /// Reserves addresses for mapping an open file, whose descriptor the caller keeps; nil if there are none.
    init?(_ descriptor: Int32, size: Int) {
        (self.descriptor, self.size) = (descriptor, size)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let reserved = mmap(nil, Self.stretch + Self.page, PROT_NONE, flags, -1, 0), reserved != MAP_FAILED
        else { return nil }
        self.reserved = reserved
        start = reserved.alignedUp(toMultipleOf: Self.page)
    }

    deinit { munmap(reserved, Self.stretch + Self.page) }

    /// Returns bytes of the file, valid until the next call; nil if they cannot be mapped or mapping is slower.
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
            // Parts that are not in the page cache yet are then read in large pages.
            madvise(start, Self.stretch, MADV_HUGEPAGE)
            held = from..<from + Self.stretch
        }
        return UnsafeRawPointer(start + (place - held.lowerBound))
    }
}

extension FileBytes {
    /// Writes all bytes, or cuts the file off at `place` again; returns 0 or the system's error number.
    package static func write(_ bytes: [UInt8], to descriptor: Int32, at place: Int) -> Int32 {
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

/// A copy in memory of a `.tail` file, which has the frames or clips of a history file's incomplete block.
// @unchecked: `bytes` is not changed after initialisation
package final class TailBytes: SegmentBytes, @unchecked Sendable {
    let path: String
    private let bytes: UnsafeMutableRawBufferPointer
    package let size: Int
    package var hasFailed: Bool { false }

    /// Reads the `.tail` file (incomplete last block) of a history file; nil if it is missing, empty or too large.
    package init?(of segment: String) {
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
    /// The greatest size of a `.tail` file in bytes.
    ///
    /// It has room for the embeddings of one block of the greatest width, and as much again for the headers of small
    /// blocks.
    private static let most = 1 << 25

    deinit { bytes.deallocate() }

    package func view(_ place: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[min(place, size)..<min(place + count, size)])
    }
}
