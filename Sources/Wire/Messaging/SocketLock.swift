import Foundation

/// The lock of an `ipc:` socket's path: `<path>.lock`, held by one process until it ends.
///
/// ZeroMQ binds over any existing socket file. If two daemons start together, both find that nobody listens, and the
/// one that binds last would silently replace the other's socket.
final class SocketLock {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes the lock without waiting; nil if the endpoint has no path, or no lock file can be created beside it.
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
