import Foundation
import Synchronization

/// Writes log lines to a file descriptor, and never blocks for long.
///
/// A line is lost, and counted, if the disk is full, the reader has closed the pipe, or the reader has stopped and the
/// pipe is full. In the last case the writer waits once, for `patience` (ms), and then no more until the reader
/// continues.
final class LogOutput: Sendable {
    private struct State {
        /// The number of lines lost since the last line was written.
        var lost = 0
        /// True if the reader of the pipe has stopped and the pipe is full.
        var isBlocked = false
        /// True if only a part of the last line was written, so that the next one must begin with a line feed.
        var isBroken = false
    }

    private static let patience: Int32 = 100
    /// The number of bytes that a pipe that is ready for writing accepts without blocking.
    private static let most = 4096

    private let descriptor: Int32
    private let isSocket: Bool
    private let waits: Bool
    private let state = Mutex(State())

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var found = stat()
        let kind = fstat(descriptor, &found) == 0 ? found.st_mode & S_IFMT : 0
        isSocket = kind == S_IFSOCK
        waits = kind != S_IFREG
    }

    /// Writes a line; if lines were lost before it, first writes the line that `notice` returns for their number.
    func write(_ line: [UInt8], notice: (_ lost: Int) -> [UInt8]) {
        state.withLock { state in
            if state.lost > 0 {
                guard put(notice(state.lost), &state) else {
                    state.lost += 1
                    return
                }
                state.lost = 0
            }
            if !put(line, &state) { state.lost += 1 }
        }
    }

    private func put(_ line: [UInt8], _ state: inout State) -> Bool {
        let bytes = state.isBroken ? [UInt8(ascii: "\n")] + line : line
        var rest = bytes[...]
        while !rest.isEmpty {
            guard isReady(&state) else { break }
            let count = rest.withUnsafeBytes { bytes in
                isSocket
                    ? send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
                    : Foundation.write(descriptor, bytes.baseAddress, waits ? min(bytes.count, Self.most) : bytes.count)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { break }
            state.isBlocked = false
            rest = rest.dropFirst(count)
        }
        if rest.count < bytes.count { state.isBroken = !rest.isEmpty }
        return rest.isEmpty
    }

    private func isReady(_ state: inout State) -> Bool {
        guard waits else { return true }
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&item, 1, state.isBlocked ? 0 : Self.patience) == 0 else { return true }
        state.isBlocked = true
        return false
    }
}
