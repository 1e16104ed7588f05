package import Foundation
import Synchronization
import SystemSupport

/// The pictures of events, one file each, named after the event: `<event>.jpg`.
///
/// A picture appears whole or not at all. Files with other names are not touched.
final class SnapshotFolder: Sendable {
    private let folder: String
    private let total = Mutex<Int>(0)

    init(_ folder: String) throws {
        self.folder = folder
    }

    /// The size of all pictures in bytes.
    var bytes: Int { total.withLock { $0 } }

    private func path(_ event: String) -> String { "\(folder)/\(event).jpg" }

    /// Writes a picture, in place of the one that the event had; its path.
    func write(_ data: Data, event: String) throws -> String {
        guard Identifier.isEvent(event) else { throw CocoaError(.fileWriteInvalidFileName) }
        let path = path(event)
        try PrivateFolder.make(folder)
        let before = size(path) ?? 0
        try AtomicFile.write(data, to: path, mode: 0o600, .one)
        total.withLock { $0 += data.count - before }
        return path
    }

    /// The picture of an event; nil if there is none.
    func read(_ event: String) -> Data? {
        Identifier.isEvent(event) ? FileManager.default.contents(atPath: path(event)) : nil
    }

    /// Removes pictures; returns how many there were.
    func remove(_ events: [String]) -> Int {
        var count = 0
        for event in events where Identifier.isEvent(event) {
            guard let bytes = size(path(event)), unlink(path(event)) == 0 else { continue }
            total.withLock { $0 -= bytes }
            count += 1
        }
        return count
    }

    /// Removes pictures of unknown events and incomplete files after a crash; counts the remaining ones.
    ///
    /// If `aside` is a folder, such pictures are moved there instead: another copy of the journal may have their
    /// events. Returns the number of these pictures.
    func sweep(keeping events: Set<String>, asideTo aside: String? = nil) throws -> Int {
        var (bytes, moved) = (0, 0)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let path = "\(folder)/\(name)"
            if name.hasSuffix(".jpg.part"), Identifier.isEvent(name.dropLast(9)) {
                unlink(path)
            } else if name.hasSuffix(".jpg"), Identifier.isEvent(name.dropLast(4)) {
                if events.contains(String(name.dropLast(4))) {
                    bytes += size(path) ?? 0
                } else if let aside {
                    try FileManager.default.createDirectory(atPath: aside, withIntermediateDirectories: true)
                    try FileManager.default.moveItem(atPath: path, toPath: "\(aside)/\(name)")
                    moved += 1
                } else {
                    unlink(path)
                }
            }
        }
        total.withLock { $0 = bytes }
        return moved
    }

    private func size(_ path: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
    }
}

extension Journal {
    /// The picture of an event; nil if there is none.
    package func snapshot(of event: String) -> Data? { snapshots?.read(event) }

    /// Keeps a picture of an event (JPEG), in place of the one that it had; its path.
    ///
    /// Written before the message that names it; removed with the event. Nil for a journal in memory.
    package func write(snapshot: Data, event: String) throws(JournalError) -> String? {
        try doing("the snapshot of event \(event.prefix(64)) cannot be written") {
            try snapshots?.write(snapshot, event: event)
        }
    }
}
