import Foundation

/// The destination of an output path: links are followed, and only plain files are ever replaced.
package enum OutputPlace: Equatable {
    /// A plain file, existing or not, which may be replaced by renaming a new one.
    case file(String)
    /// A device, a pipe or a socket, which is written into.
    case stream(String)

    /// Examines a path, following its links.
    package init(_ path: String) {
        var found = stat()
        if stat(path, &found) == 0 {
            let isPlain = [S_IFREG, S_IFDIR].contains(found.st_mode & S_IFMT)
            // `/dev/stdout` is whatever somebody has opened, a file too: that is written into.
            guard isPlain, !path.hasPrefix("/dev/"), !path.hasPrefix("/proc/"), let real = realpath(path, nil) else {
                self = .stream(path)
                return
            }
            defer { free(real) }
            self = .file(String(cString: real))
            return
        }
        // A link may lead to a file that is not there yet.
        var place = path
        for _ in 0..<40 {
            guard let next = Self.link(at: place) else { break }
            let folder = place.lastIndex(of: "/").map { String(place[...$0]) } ?? ""
            place = next.hasPrefix("/") ? next : folder + next
        }
        self = .file(place)
    }

    private static func link(at path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(validating: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}
