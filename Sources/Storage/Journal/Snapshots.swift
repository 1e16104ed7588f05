package import Foundation
import Synchronization
import SystemSupport

/// The directory with the pictures of events, one JPEG file for each, named after the event: `<event>.jpg`.
///
/// A picture appears whole or not at all. Files with other names are not touched.
final class SnapshotFolder: Sendable {
    private let folder: String
    private let total = Mutex<Int>(0)
    /// The last pictures that were written, each with one of its paths.
    ///
    /// A picture that is written again for another event is linked to that file, not copied.
    private let recent = Mutex<[(picture: Data, path: String)]>([])
    private static let mostRecent = 8

    init(_ folder: String) throws {
        self.folder = folder
    }

    /// The size of all pictures of events in bytes; a file with several names counts once.
    var bytes: Int { total.withLock { $0 } }

    func path(_ event: String) -> String { "\(folder)/\(event).jpg" }

    /// Writes one picture for several events, replacing their previous ones; returns its path for each event.
    ///
    /// The events share one file under several names if the file system supports hard links.
    func write(_ data: Data, events: [String]) throws -> [String: String] {
        guard events.allSatisfy({ Identifier.isEvent($0) }) else { throw CocoaError(.fileWriteInvalidFileName) }
        try PrivateFolder.make(folder)
        var paths: [String: String] = [:]
        var whole = recent.withLock { $0.last { $0.picture == data }?.path }
        for event in events where paths[event] == nil {
            let path = path(event)
            if path == whole {
                // The event already has this picture.
            } else if let whole, let freed = try share(whole, as: path) {
                total.withLock { $0 -= freed }
            } else {
                let freed = bytesAlone(path)
                try AtomicFile.write(data, to: path, mode: 0o600, .one)
                total.withLock { $0 += data.count - freed }
                whole = path
            }
            paths[event] = path
        }
        recent.withLock { recent in
            let named = Set(paths.values)
            recent.removeAll { named.contains($0.path) || $0.picture == data }
            if let whole { recent.append((data, whole)) }
            if recent.count > Self.mostRecent { recent.removeFirst() }
        }
        return paths
    }

    /// Makes `path` a second name (hard link) of the file `picture`, in place of a file that may have this name.
    ///
    /// Returns the bytes that this frees: the size of the replaced file, or 0 if there was none or it has another name.
    /// Returns nil if the file system makes no link. Throws if the new name cannot be put in place.
    private func share(_ picture: String, as path: String) throws -> Int? {
        if link(picture, path) == 0 { return 0 }
        // Some file systems have no hard links, and all limit the number of links of a file.
        guard errno == EEXIST else { return nil }
        let (freed, part) = (bytesAlone(path), AtomicFile.Part(of: path))
        guard link(picture, part.path) == 0 else { return nil }
        try part.publish()
        return freed
    }

    /// Returns the number of bytes that removing this path frees: 0 if the file has another name.
    private func bytesAlone(_ path: String) -> Int {
        var file = stat()
        return stat(path, &file) == 0 && file.st_nlink == 1 ? Int(file.st_size) : 0
    }

    /// Returns the picture of an event as JPEG; nil if there is none.
    func read(_ event: String) -> Data? {
        Identifier.isEvent(event) ? FileManager.default.contents(atPath: path(event)) : nil
    }

    /// Removes the pictures of these events; returns how many existed.
    func remove(_ events: [String]) -> Int {
        var count = 0
        for event in events where Identifier.isEvent(event) {
            let bytes = bytesAlone(path(event))
            recent.withLock { $0.removeAll { $0.path == path(event) } }
            guard unlink(path(event)) == 0 else { continue }
            total.withLock { $0 -= bytes }
            count += 1
        }
        return count
    }

    /// Removes incomplete files and pictures without an event, which a crash may leave; measures the remaining ones.
    ///
    /// If `aside` is a directory, pictures without an event are moved there instead, because another copy of the
    /// journal may have their events. Returns the number of moved pictures.
    func sweep(keeping events: Set<String>, asideTo aside: String? = nil) throws -> Int {
        var (bytes, moved) = (0, 0)
        var seen: Set<UInt> = []
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let path = "\(folder)/\(name)"
            if name.hasSuffix(".jpg.part"), Identifier.isEvent(name.dropLast(9)) {
                unlink(path)
            } else if name.hasSuffix(".jpg"), Identifier.isEvent(name.dropLast(4)) {
                if events.contains(String(name.dropLast(4))) {
                    var file = stat()
                    if stat(path, &file) == 0, seen.insert(UInt(file.st_ino)).inserted { bytes += Int(file.st_size) }
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
}

extension Journal {
    /// Returns the picture of an event as JPEG; nil if there is none.
    package func snapshot(of event: String) -> Data? { snapshots?.read(event) }

    /// Saves a JPEG picture for several events, replacing their previous ones; returns its path for each event.
    ///
    /// Call it before storing the messages that contain the path. The picture is removed with the last of its events. A
    /// journal in memory saves none.
    package func write(snapshot: Data, events: [String]) throws(JournalError) -> [String: String] {
        try doing("the snapshot of event \((events.first ?? "").prefix(64)) cannot be written") {
            try snapshots?.write(snapshot, events: events) ?? [:]
        }
    }

    /// Saves a JPEG picture for one event; returns its path, or nil for a journal in memory.
    package func write(snapshot: Data, event: String) throws(JournalError) -> String? {
        try write(snapshot: snapshot, events: [event])[event]
    }
}
