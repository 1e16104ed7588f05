import Foundation
import Synchronization

/// The descriptor that log lines go to: it holds nobody up.
///
/// A line is lost, and counted, where the disk is full, where the reader has gone, or where the reader has stopped and
/// its pipe is full: that is waited for once, for `patience`, and from then on no more until the reader comes back.
final class LogOutput: Sendable {
    private struct State {
        /// Lines that could not be written since the last that was.
        var lost = 0
        /// The reader has stopped.
        var isBlocked = false
        /// A line was broken off: what comes next begins a new one.
        var isBroken = false
    }

    private static let patience: Int32 = 100
    /// A pipe that says it is ready takes so much without waiting, whole or not at all.
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

    /// Writes a line; before it, after others were lost, the line that says how many.
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
