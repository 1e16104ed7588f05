import Foundation
import Watchtower

/// A file or directory that `watchword world` writes; what cannot be written is one sentence.
final class WorldFile {
    private let handle: FileHandle
    private let path: String

    init(_ path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw Unwritable(path: path) }
        (self.handle, self.path) = (handle, path)
    }

    func write(_ data: Data) throws {
        do { try handle.write(contentsOf: data) } catch { throw Unwritable(path: path) }
    }

    func close() throws {
        do { try handle.close() } catch { throw Unwritable(path: path) }
    }

    /// Writes a whole file; it is there whole, or not at all.
    static func write(_ data: Data, to path: String) throws {
        do { try data.write(to: URL(filePath: path), options: .atomic) } catch { throw Unwritable(path: path) }
    }

    static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw Unwritable(path: path)
        }
    }

    struct Unwritable: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(path) cannot be written" }
    }
}

/// Runs work that waits on a thread of its own.
func offPoolThrowing(_ work: @escaping @Sendable () throws -> Void) async throws {
    try await offPool { Result { try work() } }.get()
}
