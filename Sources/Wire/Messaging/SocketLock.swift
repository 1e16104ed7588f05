import Foundation

/// A lock on the path of an `ipc:` socket: the file `<path>.lock`, locked by one process until it ends.
///
/// ZeroMQ replaces any existing socket file when it binds. If two daemons start together, both find that no process
/// listens, and the second would silently replace the first one's socket.
final class SocketLock {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes the lock without waiting; throws if another process holds it.
    ///
    /// Returns nil if the endpoint is not `ipc:`, or no lock file can be created beside the socket.
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
