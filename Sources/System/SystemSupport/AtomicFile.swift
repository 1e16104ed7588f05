package import Foundation

/// Writes a file that appears whole or not at all: it is written under a temporary name and then renamed.
package enum AtomicFile {
    /// The number of processes or threads that may write the same file at once, which decides the temporary name.
    package enum Writers {
        /// One writer: the temporary file is `FILE.part`, and one left by a crash is replaced.
        case one
        /// Several writers, in this process or others: each has its own temporary file, `FILE.<unique>.part`.
        case several
    }

    /// Writes a file: `fill` creates it at a temporary path, then it is renamed to `path`.
    ///
    /// The previous file stays until the new one is complete, and also if `fill` throws or the rename fails; the
    /// temporary file is then removed. `fill` itself must sync its bytes to the disk.
    package static func write(
        to path: String, _ writers: Writers = .one, fill: (_ part: String) throws -> Void
    ) throws {
        let part = Part(of: path, writers)
        try fill(part.path)
        try part.publish()
    }

    /// A temporary file that is renamed to its destination by `publish`; otherwise it is deleted with this object.
    package final class Part {
        /// The path at which the file must be created; it does not exist yet.
        package let path: String
        private let place: String
        private var isPublished = false

        package init(of place: String, _ writers: Writers = .one) {
            self.place = place
            path = writers == .one ? "\(place).part" : "\(place).\(UUID().uuidString).part"
            unlink(path)
        }

        deinit { if !isPublished { unlink(path) } }

        /// Renames the temporary file to its destination, or to another name in the same directory.
        package func publish(as other: String? = nil) throws(WriteError) {
            guard rename(path, other ?? place) == 0 else { throw WriteError(other ?? place, errno: errno) }
            isPublished = true
        }
    }

    /// Writes `data` as a file that appears whole or not at all; syncs it to the disk before the rename.
    ///
    /// The file's permissions are exactly `mode`; nil means 0644 less the umask.
    package static func write(
        _ data: Data, to path: String, mode: mode_t? = nil, _ writers: Writers = .several
    ) throws(WriteError) {
        do {
            try write(to: path, writers) { part in
                let file = try OutputFile(path: part, mode: mode)
                try file.write(data)
                try file.finish()
            }
        } catch let error as WriteError {
            throw WriteError(path, errno: error.code)
        } catch {
            throw WriteError(path, errno: EIO)
        }
    }
}
