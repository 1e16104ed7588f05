package import Foundation
import SystemSupport

/// A cache file of a model's weights, reordered for this CPU, so that a start need not reorder them again.
///
/// Reordering takes longer than the rest of a start. `key` names all that the layout depends on, such as the CPU's
/// instructions. A file with another key, or a damaged one, is ignored and written anew. If the file cannot be written,
/// nothing fails.
package final class PackedWeights {
    private let url: URL
    private let key: String
    private let mapped: UnsafeRawBufferPointer?
    private var found: [String: Range<Int>] = [:]
    private var layers: [(name: String, layer: Linear)] = []

    private static let magic = Array("WWPACK01".utf8)
    private static let alignment = 64
    /// The least total size in bytes for which a file is written; fewer weights are quick to reorder.
    private static let worthwhile = 16 << 20

    /// Opens the cache file of a model in a folder; the folder and the file may be missing.
    ///
    /// A file that was written with another `key` is treated as missing.
    package init(folder: URL, model: String, key: String) {
        self.key = key
        url = folder.appending(path: "\(model).packed")
        mapped = Self.map(url)
        if let mapped { found = Self.read(mapped, key: key) ?? [:] }
    }

    deinit {
        if let mapped { munmap(UnsafeMutableRawPointer(mutating: mapped.baseAddress), mapped.count) }
    }

    /// The directory for cache files: `$CACHE_DIRECTORY`, `$XDG_CACHE_HOME/watchword` or `~/.cache/watchword`; nil
    /// without a home.
    package static var folder: URL? {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["CACHE_DIRECTORY"], !path.isEmpty { return URL(filePath: path) }
        if let path = environment["XDG_CACHE_HOME"], path.hasPrefix("/") {
            return URL(filePath: path).appending(path: "watchword")
        }
        return environment["HOME"].map { URL(filePath: $0).appending(path: ".cache/watchword") }
    }

    /// Returns the reordered weights of the layer `name`, aligned to 64 bytes; nil if the file lacks them.
    ///
    /// They are valid as long as this object.
    func find(_ name: String) -> UnsafeRawBufferPointer? {
        guard let mapped, let range = found[name] else { return nil }
        return UnsafeRawBufferPointer(rebasing: mapped[range])
    }

    /// Registers a layer, so that `save` writes its weights to the file.
    func keep(_ name: String, _ layer: Linear) { layers.append((name, layer)) }

    /// Writes all registered layers to the file if it lacks one of them; returns true if it wrote.
    ///
    /// It writes nothing below 16 MiB. The layers are no longer registered afterwards.
    @discardableResult
    package func save() -> Bool {
        defer { layers = [] }
        guard layers.contains(where: { found[$0.name]?.count != $0.layer.packedBytes.count }),
            layers.reduce(0, { $0 + $1.layer.packedBytes.count }) >= Self.worthwhile
        else { return false }
        return (try? write()) ?? false
    }

    /// Tells the system to drop the mapped weights from memory; the next use reads them from the file again.
    package func releaseMemory() {
        if let mapped { madvise(UnsafeMutableRawPointer(mutating: mapped.baseAddress), mapped.count, MADV_DONTNEED) }
    }

    /// Makes a model whose weights are memory-mapped from the cache file, so that they take no memory of their own.
    ///
    /// `open` opens the file and `make` builds the model. If the file lacked weights, they are saved and the model is
    /// built again from the file.
    package static func tower<T>(_ open: () -> PackedWeights?, _ make: (PackedWeights?) throws -> T) throws -> T {
        let packed = open()
        let made = try make(packed)
        guard packed?.save() == true else { return made }
        let kept = open()
        defer { kept?.save() }
        return try make(kept)
    }

    // MARK: The file

    // The file holds: 8 bytes "WWPACK01"; the length of a table and its checksum, 8 bytes each; the table as JSON; each
    // layer's bytes. The table gives each layer's offset and size.
    private struct Table: Codable {
        let key: String
        let size: Int
        let layers: [String: [Int]]
    }

    private static func map(_ url: URL) -> UnsafeRawBufferPointer? {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 24,
            // The file is trusted, so only this user or root may have been able to write it.
            PathTrust.isOwn(status),
            let base = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED
        else { return nil }
        return UnsafeRawBufferPointer(start: base, count: Int(status.st_size))
    }

    private static func read(_ bytes: UnsafeRawBufferPointer, key: String) -> [String: Range<Int>]? {
        guard bytes.prefix(8).elementsEqual(magic) else { return nil }
        let length = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        guard length <= UInt64(bytes.count - 24) else { return nil }
        let header = bytes[24..<24 + Int(length)]
        guard bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self) == FNV1a(header).hash,
            let table = try? JSONDecoder().decode(Table.self, from: Data(header)),
            table.key == key, table.size == bytes.count
        else { return nil }
        var found: [String: Range<Int>] = [:]
        for (name, place) in table.layers {
            guard place.count == 2, place[0] >= 24 + Int(length), place[0] % alignment == 0, place[1] > 0,
                place[0] <= bytes.count, place[1] <= bytes.count - place[0]
            else { return nil }
            found[name] = place[0]..<place[0] + place[1]
        }
        return found
    }

    private func write() throws -> Bool {
        func rounded(_ size: Int) -> Int { (size + Self.alignment - 1) / Self.alignment * Self.alignment }
        // The table's length depends on the offsets in it, so the most that it can need is reserved first.
        let start = rounded(24 + key.utf8.count + layers.reduce(256) { $0 + $1.name.utf8.count + 48 })
        var places: [String: [Int]] = [:]
        var end = start
        for (name, layer) in layers {
            places[name] = [end, layer.packedBytes.count]
            end = rounded(end + layer.packedBytes.count)
        }
        let table = try JSONEncoder().encode(Table(key: key, size: end, layers: places))
        guard 24 + table.count <= start else { return false }
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try AtomicFile.write(to: url.path, .several) { try write(table, places, size: end, to: $0) }
        return true
    }

    private func write(_ table: Data, _ places: [String: [Int]], size: Int, to part: String) throws {
        func failure() -> WriteError { WriteError(url.path, errno: errno) }
        let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var head = Data(Self.magic)
        withUnsafeBytes(of: UInt64(table.count)) { head.append(contentsOf: $0) }
        withUnsafeBytes(of: FNV1a(table).hash) { head.append(contentsOf: $0) }
        head.append(table)
        guard head.withUnsafeBytes({ Self.put($0, descriptor, at: 0) }), ftruncate(descriptor, off_t(size)) == 0 else {
            throw failure()
        }
        for (name, layer) in layers {
            guard let place = places[name], Self.put(layer.packedBytes, descriptor, at: place[0]) else {
                throw failure()
            }
        }
        guard fsync(descriptor) == 0 else { throw failure() }
    }

    private static func put(_ bytes: UnsafeRawBufferPointer, _ descriptor: CInt, at offset: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let written = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            guard written > 0 else { return false }
            done += written
        }
        return true
    }
}
