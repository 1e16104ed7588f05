import Checkpoints
import Digests
import Foundation
import NIOPosix
import SystemSupport

/// A file during its download: `NAME.part`, its ETag in `NAME.etag`, and `NAME` once it is complete.
///
/// All disk access runs on NIO's thread pool, so that it never blocks Swift's cooperative threads.
struct PartFile: Sendable {
    let final: URL
    private let part: URL
    private let validatorFile: URL

    init(_ name: String, in folder: URL) {
        final = folder.appending(path: name)
        part = final.appendingPathExtension("part")
        validatorFile = final.appendingPathExtension("etag")
    }

    private func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        let path = final.path
        return try await NIOThreadPool.singleton.runIfActive {
            do {
                return try body()
            } catch let error as WriteError {
                throw error
            } catch let error as CocoaError {
                throw WriteError(path, error.localizedDescription)
            } catch {
                throw WriteError(path, (error as NSError).localizedDescription)
            }
        }
    }

    private static func size(_ url: URL) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: url.path))?[.size] as? Int
    }

    /// Returns the size of the part file in bytes, and the ETag of the file version that it belongs to.
    func begun() async throws -> (size: Int, validator: String?) {
        try await blocking {
            (Self.size(part) ?? 0, try? String(contentsOf: validatorFile, encoding: .utf8))
        }
    }

    /// Empties the part file, and stores the ETag of the version that will be downloaded.
    func restart(validator: String?) async throws {
        try await blocking {
            try StagedDirectory.makeDirectory(final.deletingLastPathComponent())
            try? FileManager.default.removeItem(at: validatorFile)
            try Data().write(to: part)
            if let validator { try Data(validator.utf8).write(to: validatorFile) }
        }
    }

    /// Opens the part file for appending.
    func open() async throws -> FileHandle {
        try await blocking {
            let handle = try FileHandle(forWritingTo: part)
            try handle.seekToEnd()
            return handle
        }
    }

    func append(_ bytes: Data, to handle: FileHandle) async throws {
        try await blocking { try handle.write(contentsOf: bytes) }
    }

    /// Deletes the part file, its ETag and the complete file.
    func discard() async throws {
        try await blocking {
            for file in [part, validatorFile, final] { try? FileManager.default.removeItem(at: file) }
        }
    }

    /// Renames the complete part file to its final name, and deletes the ETag.
    func finish() async throws {
        try await blocking {
            try? FileManager.default.removeItem(at: final)
            try FileManager.default.moveItem(at: part, to: final)
            try? FileManager.default.removeItem(at: validatorFile)
        }
    }

    /// Returns whether a file has this checksum: the part file, or with `whole` the complete file.
    ///
    /// Returns nil if the file does not exist.
    func matches(_ checksum: RemoteFile.Checksum, whole: Bool) async throws -> Bool? {
        try await blocking {
            let file = whole ? final : part
            guard let size = Self.size(file) else { return nil }
            return switch checksum {
            case .sha256(let wanted): try Digest.of(file: file.path) == wanted
            case .gitBlob(let wanted): try Digest.of(file: file.path, .sha1, prefix: "blob \(size)\0") == wanted
            }
        }
    }
}
