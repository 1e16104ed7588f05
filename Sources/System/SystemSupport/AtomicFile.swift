package import Foundation

/// Writes a file that appears whole or not at all: under another name first, then renamed.
package enum AtomicFile {
    /// The number of writers that may write the same file at once, which decides the temporary name.
    package enum Writers {
        /// One writer: the temporary file is `FILE.part`, and one left by a crash is replaced.
        case one
        /// Several writers, in this process or others: each has its own temporary file, `FILE.<unique>.part`.
        case several
    }

    /// Writes a file through `fill`, which creates it at the given path.
    ///
    /// The previous file stays until the new one is complete. It also stays if `fill` throws or the rename fails; the
    /// temporary file is then removed. `fill` itself must sync its bytes to the disk.
    package static func write(
        to path: String, _ writers: Writers = .one, fill: (_ part: String) throws -> Void
    ) throws {
        let part = Part(of: path, writers)
        try fill(part.path)
        try part.publish()
    }

    /// A temporary file, created at `path` and then renamed to its destination; otherwise deleted with this object.
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

        /// Renames the file to its destination, or to another name in the same directory.
        package func publish(as other: String? = nil) throws(WriteError) {
            guard rename(path, other ?? place) == 0 else { throw WriteError(other ?? place, errno: errno) }
            isPublished = true
        }
    }

    /// Writes bytes, and syncs them to the disk before the rename.
    ///
    /// The file has exactly `mode`, or by default 0644 less the umask.
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
