import ArgumentParser
import CLIP
import Foundation
import Watchtower

struct Model: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Model directories.", subcommands: [Inspect.self])

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a model directory holds, and what is missing.")
        @Argument(help: "The model directory.") var model: String = Installation.model.path
        @Flag(help: "Print JSON.") var json = false

        private struct Description: Encodable {
            let path, identity, layout, architecture: String
            let parameters, embedding, image, patch, context, vocabulary: Int
            let fps: Double
            let frames: Int
            let head: String
            let headsWithWeights: [String]
            let thresholds: [String: Double]
        }

        func run() async throws {
            try await Exit.guarding {
                let directory = try ModelDirectory(URL(filePath: model))
                let tokenizer = try directory.tokenizer()
                let architecture = directory.architecture
                let found = Description(
                    path: directory.url.path, identity: directory.identity, layout: directory.layout.rawValue,
                    architecture: architecture.name, parameters: directory.parameterCount,
                    embedding: architecture.embedding, image: architecture.vision.side,
                    patch: architecture.vision.patch, context: architecture.text.context,
                    vocabulary: tokenizer.vocabularySize, fps: directory.defaults.fps,
                    frames: directory.defaults.frames, head: directory.defaults.head,
                    headsWithWeights: directory.headsWithWeights, thresholds: directory.defaults.thresholds)
                if json { return try Terminal.say(json: found) }
                Terminal.table(
                    ["WHAT", "VALUE"],
                    [
                        ["model", found.identity], ["layout", found.layout], ["architecture", found.architecture],
                        ["parameters", "\(found.parameters)"], ["embedding width", "\(found.embedding)"],
                        ["picture", "\(found.image) px, patches of \(found.patch)"],
                        ["text", "\(found.context) tokens of \(found.vocabulary)"],
                        ["sampling", "\(found.fps) fps, \(found.frames) frames a window"],
                        ["default head", found.head],
                        ["heads with weights", found.headsWithWeights.joined(separator: ", ")],
                        [
                            "thresholds",
                            found.thresholds.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                                .joined(separator: ", "),
                        ],
                    ])
            }
        }
    }
}
