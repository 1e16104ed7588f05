import CLIP
import Digests
import Foundation
import Heads
import Tensors

/// A model's description as `watchword model inspect` prints it.
struct ModelDescription: Encodable {
    struct Tower: Encodable {
        let width, layers, heads, mlp: Int
        let activation: String

        init(_ width: Int, _ layers: Int, _ heads: Int, mlp: Int, _ activation: Activation) {
            (self.width, self.layers, self.heads, self.mlp) = (width, layers, heads, mlp)
            self.activation = activation.name
        }
    }
    struct Part: Encodable {
        let name, file: String
        let layers: Int?
        let parameters: Int
        let types: [String]
    }
    struct WeightFile: Encodable {
        let file, sha256: String
        let bytes: Int
    }

    let path: String
    let layout, architecture: String?
    let embedding: Int?
    let image, text: Tower?
    let side, patch, context, vocabulary: Int?
    let patches: String
    let parameters: Int
    let towers, heads: [Part]
    let fps: Double
    let frames: Int
    let defaultHead: String
    let thresholds: [String: Double]
    let files: [WeightFile]
    let others, notes, problems: [String]
    private let findings: [ModelInspection.Finding]
    let preprocessing: String?

    enum CodingKeys: String, CodingKey {
        case path, layout, architecture, embedding, image, text, side, patch, context, vocabulary, patches, parameters
        case towers, heads, fps, frames, thresholds, files, others, notes, problems, preprocessing
        case defaultHead = "default_head"
    }

    init(_ found: ModelInspection, finder: HeadFinder) throws {
        path = found.url.path
        layout = found.layout?.rawValue
        architecture = found.architecture?.name
        embedding = found.architecture?.embedding
        image = found.architecture.map(\.vision).map {
            Tower($0.width, $0.layers, $0.heads, mlp: $0.inner, $0.activation)
        }
        text = found.architecture.map(\.text).map {
            Tower($0.width, $0.layers, $0.heads, mlp: $0.inner, $0.activation)
        }
        notes = found.notes
        preprocessing = found.preprocessing.map { kept in
            func list(_ numbers: [Float]) -> String { numbers.map { "\($0)" }.joined(separator: " ") }
            return "\(kept.framing); mean \(list(kept.normalisation.mean)), deviation "
                + list(kept.normalisation.deviation)
        }
        side = found.architecture?.vision.side
        patch = found.architecture?.vision.patch
        context = found.architecture?.text.context
        vocabulary = found.architecture?.text.vocabulary
        patches = found.has3DPatches ? "3d" : "2d"
        func parts(_ parts: [ModelInspection.Part]) -> [Part] {
            parts.map {
                Part(name: $0.name, file: $0.file, layers: $0.layers, parameters: $0.parameters, types: $0.types)
            }
        }
        towers = parts(found.towers)
        heads = parts(found.heads)
        parameters = (found.towers + found.heads).reduce(0) { $0 + $1.parameters }
        fps = found.defaults.fps
        frames = found.defaults.frames
        defaultHead = found.defaults.head
        thresholds = found.defaults.thresholds
        others = found.others
        var findings = found.findings
        files = found.weightFiles.compactMap { name in
            let path = name.isEmpty ? found.url.path : found.url.appending(path: name).path
            do {
                let bytes = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
                let sha256 = try Digest.of(file: path)
                return WeightFile(file: name.isEmpty ? found.url.lastPathComponent : name, sha256: sha256, bytes: bytes)
            } catch {
                findings.append(.init(file: name, "it cannot be read", text: "\(path) cannot be read"))
                return nil
            }
        }
        for head in Set(found.heads.map(\.name) + [found.defaults.head]).sorted() {
            do {
                _ = try finder.load(head)
            } catch {
                findings.append(.init(file: "", "\(error)"))
            }
        }
        self.findings = findings
        problems = findings.map(\.text)
    }

    var rows: [[String]] {
        var rows = [["model", path], ["layout", layout ?? "unknown"], ["architecture", architecture ?? "unknown"]]
        if let embedding { rows.append(["embeddings", "\(embedding) wide"]) }
        if let image, let side, let patch {
            let kind = patches == "3d" ? "three frames deep" : "one frame deep"
            rows.append(["image tower", "\(tower(image)); \(side) px, patches of \(patch), \(kind)"])
        }
        if let text, let context, let vocabulary {
            rows.append(["text tower", "\(tower(text)); \(context) tokens of \(vocabulary)"])
        }
        if let preprocessing { rows.append(["pictures", preprocessing]) }
        for part in towers + heads {
            let layers = part.layers.map { ", \(counted($0, "layer"))" } ?? ""
            let isTower = part.name.hasSuffix("tower")
            let place = part.file.isEmpty ? "" : " in \(part.file)"
            rows.append([
                isTower ? part.name : "head",
                "\(isTower ? "" : "\(part.name): ")\(part.parameters) parameters\(layers), \(part.types.joined(separator: " and "))\(place)",
            ])
        }
        rows.append(["parameters", "\(parameters)"])
        rows.append(["sampling", "\(fps) fps, \(frames) frames a window"])
        rows.append(["default head", defaultHead])
        if !thresholds.isEmpty {
            let all = thresholds.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            rows.append(["thresholds", all.joined(separator: ", ")])
        }
        for file in files { rows.append(["sha256", "\(file.sha256)  \(file.file)"]) }
        if !others.isEmpty { rows.append(["no part", others.joined(separator: ", ")]) }
        for note in notes { rows.append(["note", note]) }
        return rows
    }

    /// The table rows of the model's problems: the file, and what is wrong.
    var missing: [[String]] { findings.map { [$0.file.isEmpty ? "." : $0.file, $0.reason] } }

    /// The model's first problem and the number of others, as one sentence; nil without problems.
    var sentence: String? {
        guard let first = findings.first else { return nil }
        let isNamed = first.file.isEmpty || first.reason.contains(first.file)
        let reason = isNamed ? first.reason : "\(first.file): \(first.reason)"
        let more = findings.count - 1
        return reason + (more == 0 ? "" : ", and \(counted(more, "problem")) more, which the table lists")
    }

    private func tower(_ tower: Tower) -> String {
        "width \(tower.width), \(counted(tower.layers, "layer")), \(counted(tower.heads, "attention head")), MLP \(tower.mlp), "
            + tower.activation
    }

    private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
