import Foundation
import SystemSupport

/// A checkpoint in shards: a JSON index that maps tensor names to files in the index's own directory.
///
/// The index is untrusted: it may name only files beside it, and each tensor must be in exactly the file that the index
/// names. Source: transformers `modeling_utils`: `{"metadata": …, "weight_map": {tensor: file}}`.
package struct ShardedFile: CheckpointFile {
    package let origin: String
    package let tensors: [String: TensorInfo]
    package let unreadable: [String: String]
    package let paths: [String]
    private let shards: [any CheckpointFile]
    /// The index in `shards` of the file that holds each tensor, by tensor name.
    private let places: [String: Int]

    /// The largest accepted shard index in bytes; the index of a model with 100,000 tensors has 8 MB.
    private static let sizeLimit = 16 << 20
    private static let countLimit = 1024

    package init(index path: String) throws(CheckpointError) {
        let folder = URL(filePath: path).deletingLastPathComponent()
        let map = try Self.map(try MappedFile(path: path))
        let names = Set(map.values).sorted()
        var shards: [any CheckpointFile] = []
        for name in names {
            let file = folder.appending(path: name).path
            guard FileManager.default.fileExists(atPath: file) else {
                throw CheckpointError(path, .malformed("the shard \(quoted(name)) is missing"))
            }
            shards.append(try openCheckpoint(path: file))
        }
        var tensors: [String: TensorInfo] = [:]
        var unreadable: [String: String] = [:]
        var places: [String: Int] = [:]
        for (place, (shard, name)) in zip(shards, names).enumerated() {
            for (tensor, info) in shard.tensors where map[tensor] == name {
                (tensors[tensor], places[tensor]) = (info, place)
            }
            for (tensor, type) in shard.unreadable where map[tensor] == name { unreadable[tensor] = type }
            // A tensor that the index does not list would be ignored silently.
            let stray = shard.tensors.keys.first { map[$0] != name }
            if let stray {
                throw CheckpointError(
                    path, .malformed("tensor \(quoted(stray)) of \(quoted(name)) is not listed, or listed elsewhere"))
            }
        }
        let lost = map.first { tensors[$0.key] == nil && unreadable[$0.key] == nil }
        if let lost {
            throw CheckpointError(path, .malformed("tensor \(quoted(lost.key)) is not in \(quoted(lost.value))"))
        }
        origin = path
        paths = [path] + names.map { folder.appending(path: $0).path }
        (self.tensors, self.unreadable, self.shards, self.places) = (tensors, unreadable, shards, places)
    }

    /// Returns the shard's file name of every tensor that the index in `file` lists.
    ///
    /// It checks that the names are plain file names, but opens no shard.
    package static func map(_ file: MappedFile) throws(CheckpointError) -> [String: String] {
        func malformed(_ what: String) -> CheckpointError { CheckpointError(file.path, .malformed(what)) }
        guard file.count <= sizeLimit else {
            throw malformed("the index has \(file.count) bytes, more than the limit of \(sizeLimit)")
        }
        let json = file.withBytes(0..<file.count) { Data($0) }
        guard let root = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any],
            let map = root["weight_map"] as? [String: String], !map.isEmpty
        else { throw malformed("it is not an index of shards: expected a JSON object with a weight_map of file names") }
        let names = Set(map.values)
        guard names.count <= countLimit else {
            throw malformed("it names \(names.count) shards, more than \(countLimit)")
        }
        for name in names.sorted() {
            let isPlain = !name.isEmpty && !name.hasPrefix(".") && !name.utf8.contains { $0 == 0x2F || $0 == 0 }
            guard isPlain, name.hasSuffix(".safetensors") || name.hasSuffix(".bin") else {
                throw malformed(
                    "the shard \(quoted(name)) is no .safetensors or .bin file of the index's own directory")
            }
        }
        return map
    }

    package var fileSize: Int { shards.reduce(0) { $0 + $1.fileSize } }

    package var sampleHash: String {
        var hash = FNV1a()
        for shard in shards { for byte in shard.sampleHash.utf8 { hash.mix(byte) } }
        return hash.digits
    }

    package func withBytes<R>(of name: String, _ body: (UnsafeRawBufferPointer) -> R) throws(CheckpointError) -> R {
        guard let place = places[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        return try shards[place].withBytes(of: name, body)
    }

    package func releaseMemory() { for shard in shards { shard.releaseMemory() } }
}
