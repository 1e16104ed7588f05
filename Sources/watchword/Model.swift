import ArgumentParser
import CLIP
import Foundation
import Heads
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

struct Head: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Head plugins.", subcommands: [List.self, Inspect.self])

    private struct Description: Encodable {
        let name, path, version, description, kind: String
        let problem: String?
    }

    private static func describe(_ name: String, _ finder: HeadFinder) -> Description {
        do {
            let library = try finder.load(name)
            return Description(
                name: name, path: library.path, version: library.version, description: library.description,
                kind: library.pools ? "pools" : "pairs", problem: nil)
        } catch {
            return Description(name: name, path: "", version: "", description: "", kind: "", problem: "\(error)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the head plugins that are found.")
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let finder = HeadFinder.standard()
            let heads = finder.names.map { Head.describe($0, finder) }
            if json { return try Terminal.say(json: heads) }
            Terminal.table(
                ["NAME", "VERSION", "KIND", "DESCRIPTION"],
                heads.map { [$0.name, $0.version, $0.kind, $0.problem ?? $0.description] })
        }
    }

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one head plugin.")
        @Argument(help: "Its name.") var name: String
        @Flag(help: "Print JSON (it always is).") var json = false

        func run() async throws {
            try await Exit.guarding {
                _ = try HeadFinder.standard().load(name)
                try Terminal.say(json: Head.describe(name, .standard()))
            }
        }
    }
}
