package import Foundation

/// The error of a directory that cannot be created, or that other users could use.
package struct FolderProblem: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Creates directories that only this user can use.
package enum PrivateFolder {
    /// Creates a directory and its missing parents with mode 0700; throws if another user could replace it.
    package static func make(_ path: String, user: uid_t = geteuid()) throws(FolderProblem) {
        try create(path)
        if let problem = PathTrust.problem(path, user: user) { throw FolderProblem(problem) }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw FolderProblem("\(path) is no directory")
        }
    }

    private static func create(_ path: String) throws(FolderProblem) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        let above = URL(filePath: path).deletingLastPathComponent().path
        if errno == ENOENT, above != path {
            try create(above)
            if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        }
        throw FolderProblem("the directory \(path) cannot be made: \(String(cString: strerror(errno)))")
    }

    /// Removes all permissions of other users from a file or directory that belongs to this user.
    ///
    /// Symbolic links and other users' files are not changed.
    package static func close(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        defer { Foundation.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT),
            status.st_uid == geteuid(), status.st_mode & 0o077 != 0
        else { return }
        fchmod(descriptor, status.st_mode & 0o700)
    }
}
