import CLIP
import Checkpoints
import Foundation
import Pixels
import StreamSources
import Tensors
import TestSupport
import Testing
import Tokenizers

/// A model directory written by another program, with that program's results for texts and pictures.
///
/// Made by transformers 5.24.0, open_clip 3.3.0, timm 1.0.31, Pillow 12.0.0 and ftfy 6.3.1: each case's `case.json` has
/// the versions.
struct FamilyCase: Sendable, CustomTestStringConvertible {
    struct Description: Decodable {
        struct Tolerance: Decodable { let atol, rtol: Double }
        struct Heads: Decodable { let vision, pool, text: Int }
        struct Head: Decodable {
            let d, num_frames, attention_heads: Int
            let prior: String?
        }
        let seed: Int
        let texts: [String?]?
        let image_files: [String]?
        let tolerance: Tolerance
        let heads: Heads?
        let head: Head?
    }

    let folder: URL
    var testDescription: String { folder.lastPathComponent }

    /// The folders of the bundled cases, or of the directory `WATCHWORD_REFERENCE` (or its `families`).
    static let folders: [URL] = {
        let bundled = Fixtures.repository.appending(path: "Tests/Fixtures/families")
        guard let path = ProcessInfo.processInfo.environment["WATCHWORD_REFERENCE"] else { return entries(bundled) }
        let given = URL(filePath: path)
        return [given.appending(path: "families"), given].map(entries).first { !$0.isEmpty } ?? entries(bundled)
    }()

    private static func entries(_ folder: URL) -> [URL] {
        let found = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (found ?? []).filter { folder in
            ["case.json", "expected.safetensors"].allSatisfy {
                FileManager.default.fileExists(atPath: folder.appending(path: $0).path)
            }
        }.sorted { $0.path < $1.path }
    }

    /// The cases of whole models.
    static let models = folders.map(FamilyCase.init).filter { (try? $0.description().image_files) ?? nil != nil }
    /// The cases of pairing heads.
    static let heads = folders.map(FamilyCase.init).filter { (try? $0.description().head) ?? nil != nil }

    init(folder: URL) { self.folder = folder }

    /// Whether it is a SigLIP, whose golden strings come from a tokenizer that no other family has.
    var hasTokens: Bool { folder.lastPathComponent.hasPrefix("siglip") }

    func description() throws -> Description {
        try Fixtures.json(Description.self, folder.appending(path: "case.json"))
    }

    func expected() throws -> SafetensorsFile {
        try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
    }

    /// Lends the model's directory; if no file states its heads, a copy with links and the case's heads.
    func withDirectory<R>(_ body: (URL) throws -> R) throws -> R {
        let model = folder.appending(path: "model")
        guard let heads = try description().heads else { return try body(model) }
        return try withCopy { copy in
            let said = ["vision": heads.vision, "pooling": heads.pool, "text": heads.text]
            let json = try JSONEncoder().encode(["tower_heads": said])
            try json.write(to: copy.appending(path: "watchword.json"))
            return try body(copy)
        }
    }

    /// Lends a directory of links to the model's files, which may be removed and rewritten.
    func withCopy<R>(_ body: (URL) throws -> R) throws -> R {
        let model = folder.appending(path: "model")
        let copy = FileManager.default.temporaryDirectory.appending(path: "family-\(UUID())")
        try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: copy) }
        for file in try FileManager.default.contentsOfDirectory(atPath: model.path) {
            try FileManager.default.createSymbolicLink(
                at: copy.appending(path: file),
                withDestinationURL: model.appending(path: file).resolvingSymlinksInPath())
        }
        return try body(copy)
    }

    func withModel<R>(_ body: (ModelDirectory) throws -> R) throws -> R {
        try withDirectory { try body(ModelDirectory($0)) }
    }

    /// The case's pictures, framed by the model.
    func pictures(_ model: ModelDirectory) throws -> [Picture] {
        try (description().image_files ?? []).map {
            try StillImage.picture(file: folder.appending(path: $0).path, framing: model.preprocessing.framing)
        }
    }

    /// The tokens of every text: computed here, or the case's if it has no text.
    func tokens(_ model: ModelDirectory) throws -> [[Int]] {
        let (tokenizer, context) = (try model.tokenizer(), model.architecture.text.context)
        let golden = try expected().integers("token_ids")
        return try (description().texts ?? []).enumerated().map { row, text in
            text.map { tokenizer.tokens($0, limit: context).ids }
                ?? Array(golden[row * context..<(row + 1) * context])
        }
    }
}

extension FamilyCase {
    /// The embeddings of all pictures and of all texts.
    func features(
        _ model: ModelDirectory, _ precision: Precision, packed: Bool = false
    ) throws -> (images: [Float], texts: [Float]) {
        let source = model.tensors
        let images = try ImageEncoder(
            source, architecture: model.architecture, normalisation: model.normalisation, precision: precision)
        let texts = try TextEncoder(source, architecture: model.architecture, precision: precision)
        return (
            try images.encode(pictures(model)).values, try tokens(model).flatMap { try texts.encode($0) }
        )
    }
}
