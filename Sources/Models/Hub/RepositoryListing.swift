import Foundation
import SystemSupport

/// A file in a model's repository on a hub, as the hub lists it.
struct RemoteFile: Sendable, Equatable {
    enum Checksum: Sendable, Equatable {
        case sha256(String)
        /// The SHA-1 of the file as a git blob: of `blob SIZE\0` and the file's bytes.
        case gitBlob(String)
    }

    let name: String
    /// The size of the file in bytes; nil if the hub does not state it.
    let size: Int?
    let checksum: Checksum?
}

/// The files of a model to download, chosen from the hub's list of files.
///
/// The list is untrusted: only known file names are accepted, so that no name can be a path to another directory.
struct RepositoryListing {
    let files: [RemoteFile]

    /// The names of the files that are downloaded besides weights: configuration and tokenizer.
    private static let companions = [
        "config.json", "vocab.json", "merges.txt", "preprocessor_config.json", "tokenizer_config.json",
        "special_tokens_map.json", "tokenizer.json", "watchword.json", "added_tokens.json", "processor_config.json",
        "open_clip_config.json", "spiece.model", "model.safetensors.index.json", "pytorch_model.bin.index.json",
    ]
    /// The file names of weights, in order of preference; only one of them is downloaded.
    private static let weights = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
        "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin",
    ]

    /// Returns the name of the shard index to which the weight shard `name` belongs; nil if it is no shard.
    private static func index(ofShard name: String) -> String? {
        let shard = /(model|pytorch_model)-[0-9]{5}-of-[0-9]{5}\.(safetensors|bin)/
        return name.wholeMatch(of: shard).map { "\($0.1).\($0.2).index.json" }
    }

    /// The largest accepted list of files in bytes.
    static let limit = 32 << 20

    /// Returns the largest accepted size in bytes of the file `name`: 256 MiB, or 1 TiB for weights.
    static func limit(of name: String) -> Int { companions.contains(name) ? 256 << 20 : 1 << 40 }

    private struct Reply: Decodable {
        struct Sibling: Decodable {
            struct LFS: Decodable {
                let sha256: String?
                let size: Int?
            }
            let rfilename: String
            let size: Int?
            let blobId: String?
            let lfs: LFS?
        }
        let siblings: [Sibling]
    }

    /// Parses the hub's list of files and chooses those to download: configuration, tokenizer, and weights.
    ///
    /// Throws if the list is invalid or has no model weights.
    init(_ data: Data, model: ModelName) throws(HubError) {
        guard let reply = try? JSONDecoder().decode(Reply.self, from: data) else {
            throw HubError(.badData, "\(model.name): the server's list of files is not as a hub gives it")
        }
        var found: [String: RemoteFile] = [:]
        for sibling in reply.siblings {
            let name = sibling.rfilename
            let head = name.wholeMatch(of: /heads\/(.{1,64})\.safetensors/)?.1
            let isHead = head.map { Identifier.isHead($0) } ?? false
            let isShard = Self.index(ofShard: name) != nil
            guard isHead || isShard || Self.companions.contains(name) || Self.weights.contains(name) else { continue }
            let size = sibling.lfs?.size ?? sibling.size
            guard (size ?? 0) >= 0, (size ?? 0) <= Self.limit(of: name) else {
                throw HubError(.badData, "\(model.name): \(name) is said to have \(size ?? 0) bytes")
            }
            var checksum: RemoteFile.Checksum?
            if let lfs = sibling.lfs {
                guard let sha256 = lfs.sha256?.lowercased(), sha256.wholeMatch(of: /[0-9a-f]{64}/) != nil else {
                    throw HubError(.badData, "\(model.name): \(name) is said to have a SHA-256 that is none")
                }
                checksum = .sha256(sha256)
            } else if let blob = sibling.blobId?.lowercased(), blob.wholeMatch(of: /[0-9a-f]{40}/) != nil {
                checksum = .gitBlob(blob)
            }
            found[name] = RemoteFile(name: name, size: size, checksum: checksum)
        }
        guard let weights = Self.weights.first(where: { found[$0] != nil }) else {
            let others = reply.siblings.map(\.rfilename).filter { name in
                [".safetensors", ".bin", ".pt", ".h5", ".msgpack", ".onnx", ".gguf", ".ckpt"].contains(
                    where: name.hasSuffix)
            }
            let shown = others.isEmpty ? "no weights at all" : others.prefix(5).joined(separator: ", ")
            throw HubError(
                .badData,
                "\(model.name) has neither \(Self.weights.joined(separator: " nor ")): it has \(shown)")
        }
        // A repository without config.json is OpenCLIP's: take the weights that open_clip_config.json describes.
        let openCLIP = Self.weights.first { $0.hasPrefix("open_clip_") && found[$0] != nil }
        let chosen =
            found["config.json"] == nil && found["open_clip_config.json"] != nil ? openCLIP ?? weights : weights
        for other in Self.weights where other != chosen { found[other] = nil }
        for name in found.keys {
            if let index = Self.index(ofShard: name), index != chosen { found[name] = nil }
        }
        // Download small files first, so that a model without access fails early.
        files = found.values.sorted { ($0.size ?? 0, $0.name) < ($1.size ?? 0, $1.name) }
    }
}
