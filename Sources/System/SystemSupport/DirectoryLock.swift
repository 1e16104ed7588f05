import Foundation

/// An exclusive lock on a directory, against other processes and this one, held as long as the object lives.
///
/// It is an `flock` of the directory itself: the kernel releases it however the process ends, and no lock file remains.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock; throws at once if another holds it, with an error whose `code` is EWOULDBLOCK.
    package init(_ path: String) throws(WriteError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw WriteError(path, errno: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw WriteError(path, errno: code) }
            throw WriteError(path, "another process is writing it", code: code)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
