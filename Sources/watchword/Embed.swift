import ArgumentParser
import CLIP
import CommandSupport
import Engine
import Heads
import StreamSources
import Tensors
import Tokenizers

/// `watchword embed`: prints the embeddings of texts and pictures.
struct Embed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Embed texts and pictures; one JSON object a line, embeddings of length 1.")

    @OptionGroup var model: ModelOptions
    @Option(name: .long, parsing: .unconditionalSingleValue, help: "A text; may be given several times.")
    var text: [String] = []
    @Option(name: .long, help: "A picture; may be given several times.")
    var image: [String] = []
    @Flag(help: "Give embeddings as the towers make them, not of length 1.")
    var raw = false
    @Flag(help: "Print JSON (it always is).")
    var json = false

    private struct Line: Encodable {
        let kind: String
        let input: String
        let truncated: Bool?
        let embedding: [Float]
    }

    func validate() throws {
        if text.isEmpty && image.isEmpty { throw ValidationError("give at least one --text or --image") }
    }

    func run() async throws {
        try await Exit.guarding {
            let engine = try ScoringEngine(model: model.directory(), finder: .standard(), precision: model.precision)
            for text in text {
                let (embedding, truncated) = try await engine.embed(text: text)
                if truncated { Terminal.complain("a text is longer than the model reads; the rest is ignored") }
                try Terminal.say(
                    json: Line(
                        kind: "text", input: text, truncated: truncated,
                        embedding: raw ? embedding : Products.unit(embedding)))
            }
            for path in image {
                let picture = try StillImage.picture(file: path, framing: engine.model.preprocessing.framing)
                let embedding = try await engine.embed(pictures: [picture])[0]
                try Terminal.say(
                    json: Line(
                        kind: "image", input: path, truncated: nil,
                        embedding: raw ? embedding : Products.unit(embedding)))
            }
        }
    }
}
