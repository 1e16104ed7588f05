package import Foundation

/// A file that is there whole or not at all: made beside its place, then renamed into it.
package enum AtomicFile {
    /// The writers that may write the same file at the same time, which decides the part's name.
    package enum Writers {
        /// One: the part is `FILE.part`, and what a crash left of one is replaced.
        case one
        /// Several, in this process or others: each has a part of its own, `FILE.<unique>.part`.
        case several
    }

    /// Writes a file through `fill`, which makes it at the path that it is given.
    ///
    /// What was there before stays until all of it is written, and stays where `fill` throws or the file cannot be
    /// renamed; then the part is removed. `fill` says when its bytes are on the disk.
    package static func write(
        to path: String, _ writers: Writers = .one, fill: (_ part: String) throws -> Void
    ) throws {
        let part = Part(of: path, writers)
        try fill(part.path)
        try part.publish()
    }

    /// A file on its way: made at `path`, then renamed into its place; before that, it goes with this object.
    package final class Part {
        /// Where the file is to be made; nothing is there.
        package let path: String
        private let place: String
        private var isPublished = false

        package init(of place: String, _ writers: Writers = .one) {
            self.place = place
            path = writers == .one ? "\(place).part" : "\(place).\(UUID().uuidString).part"
            unlink(path)
        }

        deinit { if !isPublished { unlink(path) } }

        /// Renames the file into its place, or into another in the same directory.
        package func publish(as other: String? = nil) throws(WriteError) {
            guard rename(path, other ?? place) == 0 else { throw WriteError(other ?? place, errno: errno) }
            isPublished = true
        }
    }

    /// Writes bytes; they are on the disk before the file is in its place.
    ///
    /// The file has exactly `mode`, or by default what the umask leaves of 0644.
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
