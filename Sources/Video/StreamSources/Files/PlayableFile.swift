import Foundation

/// Checks that a path names a file that can be played: not empty, no directory, and no pipe that could block forever.
package enum PlayableFile {
    package static func check(_ path: SourcePath, shown: String) throws(SourceError) {
        var status = stat()
        guard stat(path.terminated, &status) == 0 else {
            if errno == EACCES { throw SourceError("\(shown): it may not be read; check its owner and mode") }
            throw SourceError(
                "\(shown): \(errno == ENOENT ? "there is no such file" : String(cString: strerror(errno)))")
        }
        let found: String? =
            switch status.st_mode & S_IFMT {
            case S_IFREG: status.st_size == 0 ? "found an empty one" : nil
            case S_IFBLK: nil
            case S_IFDIR: "found a directory; name a file in it"
            case S_IFIFO: "found a named pipe, whose writer may never come; write into a file, or send it by a network"
            case S_IFSOCK: "found a socket"
            case S_IFCHR where path.text.hasPrefix("/dev/video"): "found a camera; write v4l2://\(path.text)"
            default: "found a device"
            }
        guard let found else { return }
        throw SourceError("\(shown): expected a file, \(found)", isBadData: status.st_mode & S_IFMT == S_IFREG)
    }
}
