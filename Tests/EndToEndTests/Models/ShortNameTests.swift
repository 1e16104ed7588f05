import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("Models by their short names", .serialized)
struct ShortNameTests {
    private let models = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID())")

    private func json(_ text: String) throws -> JSONValue { try WireCoding.decode(JSONValue.self, Data(text.utf8)) }

    private func fixture(_ name: String) -> URL {
        Fixtures.repository.appending(path: "Tests/Fixtures/families/\(name)/model")
    }

    @Test("list --available tells repository, licence, size and accuracy with its source, without a network")
    func available() async throws {
        // Nothing answers there.
        let environment = ["HF_ENDPOINT": "http://127.0.0.1:1", "WATCHWORD_MODELS": models.path]
        let found = try await run("watchword", ["model", "list", "--available", "--json"], environment: environment)
        #expect(found.code == 0 && found.err.isEmpty, "\(found.err)")
        let entries = try #require(try json(found.out).array)
        #expect(
            entries.compactMap { $0["name"]?.string } == [
                "siglip2-base", "pe-core-b16", "datacomp-b32-256", "openai-b32", "clip4clip-webvid",
            ])
        for entry in entries {
            #expect(entry["repository"]?.string?.split(separator: "/").count == 2)
            let accuracy = try #require(entry["accuracy"]?.array?.first)
            #expect(accuracy["source"]?.string?.isEmpty == false && accuracy["benchmark"]?.string?.isEmpty == false)
        }
        let shown = try await run("watchword", ["model", "list", "--available"], environment: environment)
        for part in ["siglip2-base", "Apache-2.0", "none is stated", "arXiv:2502.14786", "openclip_results.csv"] {
            #expect(shown.out.contains(part), "\(part): \(shown.out)")
        }
    }

    @Test("pull takes a short name's repository, keeps the model under the short name, and --model finds it there")
    func pull() async throws {
        defer { try? FileManager.default.removeItem(at: models) }
        let server = try await HubServer(model: fixture("siglip2_hf"), name: "google/siglip2-base-patch16-256")
        let environment = ["HF_ENDPOINT": server.address("plain"), "WATCHWORD_MODELS": models.path]
        let found = try await run("watchword", ["model", "pull", "siglip2-base", "--json"], environment: environment)
        #expect(found.code == 0, "\(found.err)")
        let report = try json(found.out)
        let path = models.appending(path: "siglip2-base").path
        #expect(report["repository"] == .string("google/siglip2-base-patch16-256") && report["path"] == .string(path))
        let embedded = try await run(
            "watchword", ["embed", "--text", "a red sign", "--model", "siglip2-base"], environment: environment)
        #expect(embedded.code == 0, "\(embedded.err)")
        let list = try await run("watchword", ["model", "list", "--available", "--json"], environment: environment)
        let here = try json(list.out).array?.compactMap { $0["path"]?.string }
        #expect(here == [path])
    }

    @Test(
        "each short name asks for its own repository",
        arguments: [
            ("siglip2-base", "google/siglip2-base-patch16-256"), ("pe-core-b16", "timm/PE-Core-B-16"),
            ("datacomp-b32-256", "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"),
            ("openai-b32", "openai/clip-vit-base-patch32"),
            ("clip4clip-webvid", "Searchium-ai/clip4clip-webvid150k"),
        ])
    func repositories(_ name: String, _ repository: String) async throws {
        let server = try await HubServer()
        let found = try await run(
            "watchword", ["model", "pull", name, "--models", models.path],
            environment: ["HF_ENDPOINT": server.address("plain")])
        #expect(found.code == 66 && found.err.contains(repository), "\(found)")
        #expect(try server.requests().contains { $0.path.contains("/api/models/\(repository)/") })
    }

    @Test("a name that is neither is refused with the short names that there are")
    func unknown() async throws {
        let found = try await run("watchword", ["model", "pull", "siglip3"])
        #expect(found.code == 64 && found.err.contains("siglip2-base"), "\(found)")
    }

    @Test("SentencePiece's file comes with a model, which can then read texts")
    func sentencePiece() async throws {
        defer { try? FileManager.default.removeItem(at: models) }
        let server = try await HubServer(model: fixture("siglip1_hf"))
        let environment = ["HF_ENDPOINT": server.address("plain"), "WATCHWORD_MODELS": models.path]
        let found = try await run("watchword", ["model", "pull", "owner/shapes"], environment: environment)
        #expect(found.code == 0 && found.err.isEmpty, "\(found.err)")
        let embedded = try await run(
            "watchword", ["embed", "--text", "a cat", "--model", "owner/shapes"], environment: environment)
        #expect(embedded.code == 0, "\(embedded.err)")
    }
}
