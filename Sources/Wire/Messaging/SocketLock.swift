import Foundation

/// The lock of an `ipc:` socket's path: `<path>.lock`, which one process has until it ends.
///
/// ZeroMQ binds over any socket file. To ask whether somebody listens there is not enough for two daemons that start
/// together: both would find a stale file, and the one that binds last would take the other's place unseen.
final class SocketLock {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes the lock without waiting; nil where there is no path, or none can be made beside it.
    static func take(_ endpoint: String) throws(MessagingError) -> SocketLock? {
        guard endpoint.hasPrefix("ipc://") else { return nil }
        let path = endpoint.dropFirst(6) + ".lock"
        let descriptor = open(String(path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            close(descriptor)
            guard isHeld else { return nil }
            throw MessagingError("\(endpoint) is in use by another process")
        }
        return SocketLock(descriptor)
    }
}
