import Foundation

/// The destination of an output path, after following links, which decides how it is written.
///
/// Only plain files are replaced; devices, pipes and sockets are written into.
package enum OutputPlace: Equatable {
    /// The path of a plain file that may be replaced by renaming a new file to it; it need not exist yet.
    case file(String)
    /// The path of a device, pipe or socket, into which the output is written.
    case stream(String)

    /// Follows the links of `path` and finds out what is at their end.
    package init(_ path: String) {
        var found = stat()
        if stat(path, &found) == 0 {
            let isPlain = [S_IFREG, S_IFDIR].contains(found.st_mode & S_IFMT)
            // `/dev/stdout` may be a plain file that the caller has opened: it must be written into, not replaced.
            guard isPlain, !path.hasPrefix("/dev/"), !path.hasPrefix("/proc/"), let real = realpath(path, nil) else {
                self = .stream(path)
                return
            }
            defer { free(real) }
            self = .file(String(cString: real))
            return
        }
        // A link may lead to a file that does not exist yet, which `stat` does not follow.
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
