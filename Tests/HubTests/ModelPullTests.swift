import Checkpoints
import Foundation
import Hub
import Synchronization
import SystemSupport
import TestSupport
import Testing

@Suite("Models pulled from a hub that misbehaves", .serialized)
struct ModelPullTests {
    private let server: HubServer
    private var models: URL { server.folder.appending(path: "models") }
    private var destination: URL { models.appending(path: "owner/shapes") }
    private var staged: URL { models.appending(path: "owner/.shapes.pull") }

    init() async throws { server = try await HubServer() }

    @discardableResult
    private func pull(
        _ behaviour: String, token: String? = nil, replacing: Bool = false,
        progress: @escaping @Sendable (ModelPull.Progress) -> Void = { _ in }
    ) async throws -> [ModelPull.File] {
        var retries = Retries()
        (retries.firstWait, retries.longestWait) = (0.001, 0.001)
        return try await ModelPull(
            ModelName("owner/shapes"), revision: Revision("main"),
            from: HubEndpoint(address: server.address(behaviour), token: token), retries: retries
        ).run(into: destination, replacing: replacing, progress: progress)
    }

    /// Expects that every file of a pull exists with the server's bytes, and no other file.
    private func expectComplete(except missing: Set<String> = []) throws {
        func files(_ folder: URL) -> Set<String> {
            let all = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
            return Set(all.filter { $0 != "heads" })
        }
        let wanted = files(Fixtures.shapes).subtracting(missing).subtracting(["README.md"])
        #expect(files(destination) == wanted)
        for name in wanted {
            let (a, b) = (Fixtures.shapes.appending(path: name), destination.appending(path: name))
            #expect(FileManager.default.contentsEqual(atPath: a.path, andPath: b.path), "\(name)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: models.appending(path: "owner").path) == ["shapes"])
    }

    private func expectFailure(_ behaviour: String, _ kind: HubError.Kind, _ part: String) async throws {
        let error = await #expect(throws: HubError.self) { try await pull(behaviour, token: "hf_secret") }
        #expect(error?.kind == kind && error?.description.contains(part) == true, "\(String(describing: error))")
        #expect(error?.description.contains("hf_secret") == false)
        #expect(!FileManager.default.fileExists(atPath: destination.path))
    }

    @Test("come whole where the server is right, slow to come up, without lengths, or cuts its answers")
    func whole() async throws {
        let behaviours = [
            "plain", "busy", "nolength", "cut", "cut+norange", "drip", "redirect", "redirect+cut", "evil",
            "longlength+cut",
        ]
        try await together(behaviours, atMost: 3) { try await ModelPullTests().expectWhole($0) }
    }

    private func expectWhole(_ behaviour: String) async throws {
        guard behaviour != "longlength+cut" else {
            // What the server sends is not what it announces; the list says what there is.
            return try await expectFailure(behaviour, .badData, "7135780 bytes in its list, 7135781")
        }
        let files = try await pull(behaviour)
        try expectComplete()
        #expect(files.count == 11, "\(behaviour)")
        #expect(files.first { $0.name == "model.safetensors" }?.checked == "sha256", "\(behaviour)")
        #expect(files.first { $0.name == "config.json" }?.checked == "git-sha1", "\(behaviour)")
    }

    @Test("a cut answer goes on where it was cut, held against the same version")
    func resumes() async throws {
        try await pull("cut")
        let requests = try server.weightRequests()
        let starts = try requests.dropFirst().map { request in
            try #require(request.headers["range"]?.wholeMatch(of: /bytes=([0-9]+)-/).flatMap { Int($0.1) })
        }
        // What was on the way when the connection broke may be lost; what arrived is not asked for again.
        #expect(requests.count == 4 && requests.first?.headers["range"] == nil)
        #expect(starts == starts.sorted() && Set(starts).count == 3 && starts.allSatisfy { $0 > 0 }, "\(starts)")
        #expect(Set(requests.dropFirst().map { $0.headers["if-range"] }).count == 1)
        #expect(requests[1].headers["if-range"]?.hasPrefix("\"") == true)
    }

    @Test("a pull that broke off goes on with the next one, finished files kept")
    func nextPull() async throws {
        // The server never comes to the end, and each answer brings something: it is the pull that is ended.
        let task = Task {
            try await pull("cut") { progress in
                if case .waiting = progress { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!FileManager.default.fileExists(atPath: destination.path))
        let part = staged.appending(path: "model.safetensors.part")
        let size = try #require(try FileManager.default.attributesOfItem(atPath: part.path)[.size] as? Int)
        #expect(size > 0 && size <= 1_500_000)
        let before = try server.requests().count
        try await pull("plain")
        try expectComplete()
        let later = try server.requests().dropFirst(before)
        // The list, and the rest of the one file.
        #expect(later.count == 2 && later.last?.headers["range"] == "bytes=\(size)-")
    }

    @Test("a file that changed meanwhile is begun anew, even where the server mixes versions")
    func changed() async throws {
        for behaviour in ["cut+change", "cut+change+noifrange"] {
            let server = try await HubServer()
            var retries = Retries()
            (retries.firstWait, retries.longestWait) = (0.001, 0.001)
            let place = server.folder.appending(path: "models/m")
            _ = try await ModelPull(
                ModelName("owner/shapes"), revision: Revision("main"),
                from: HubEndpoint(address: server.address(behaviour), token: nil), retries: retries
            ).run(into: place, replacing: false) { _ in }
            let old = try Data(contentsOf: Fixtures.shapes.appending(path: "model.safetensors"))
            let new = try Data(contentsOf: place.appending(path: "model.safetensors"))
            #expect(new.dropFirst() == old.dropFirst() && new.first == old.first.map { $0 ^ 1 })
        }
    }

    @Test(
        "what contradicts itself is refused, and nothing of it appears",
        arguments: [
            ("wrong", "checksum"), ("apilong", "in its list"), ("apishort", "in its list"),
            ("longlength", "7135781"), ("shortchunked", "3567890 bytes come"), ("apishort+nolength", "more bytes come"),
            ("cut+wrong", "checksum"),
        ])
    func lies(_ behaviour: String, _ part: String) async throws {
        try await expectFailure(behaviour, .badData, part)
    }

    @Test("refusals are said at once, and what to do about them")
    func refusals() async throws {
        try await expectFailure("notfound", .notFound, "404")
        try await expectFailure("unauthorized", .noPermission, "HF_TOKEN")
        try await expectFailure("forbidden", .noPermission, "HF_TOKEN")
        #expect(try server.requests().count == 3)
        try await expectFailure("later", .unavailable, "86400")
        #expect(try server.requests().count == 4)
        try await expectFailure("never", .unavailable, "asks to wait 1000000000 s")
        #expect(try server.requests().count == 5)
        try await expectFailure("loop", .unavailable, "redirects")
        // A name that was mistyped leaves no trace.
        #expect(try FileManager.default.contentsOfDirectory(atPath: models.path) == [])
    }

    @Test("a server that stays down, or never comes to an end, is given up")
    func givenUp() async throws {
        try await expectFailure("down", .unavailable, "503")
        #expect(try server.requests().count == Retries().maxAttemptsWithoutProgress)
        try await expectFailure("cutalways+norange", .unavailable, "cut")
    }

    @Test("nobody who listens is said to be unreachable")
    func unreachable() async throws {
        var retries = Retries()
        (retries.firstWait, retries.longestWait) = (0.001, 0.001)
        let endpoint = try HubEndpoint(address: "http://127.0.0.1:1", token: nil)
        let pull = ModelPull(try ModelName("a/b"), revision: try Revision("main"), from: endpoint, retries: retries)
        let error = await #expect(throws: HubError.self) {
            try await pull.run(into: destination, replacing: false) { _ in }
        }
        #expect(error?.kind == .unavailable && error?.description.contains("http://127.0.0.1:1") == true)
    }

    @Test("the token goes to the endpoint's host alone, not where a redirect leads")
    func token() async throws {
        try await pull("redirect", token: "hf_secret")
        let requests = try server.requests()
        let (here, there) = (
            requests.filter { $0.headers["host"]?.hasPrefix("127.0.0.1") == true },
            requests.filter { $0.headers["host"]?.hasPrefix("localhost") == true }
        )
        #expect(here.count == 12 && here.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
        #expect(there.count == 11 && there.allSatisfy { $0.headers["authorization"] == nil })
        try await pull("plain", replacing: true)
        #expect(try server.requests().dropFirst(requests.count).allSatisfy { $0.headers["authorization"] == nil })
    }

    @Test("no name from the server leads out of the directory")
    func evil() async throws {
        try await pull("evil")
        try expectComplete()
        let asked = try server.requests().dropFirst().map(\.path)
        #expect(asked.count == 11 && !asked.contains { $0.contains("evil.") || $0.contains("..") })
    }

    @Test("a model that is there stays, unless it is to be replaced")
    func replace() async throws {
        try await pull("plain")
        let mark = destination.appending(path: "mark")
        try Data().write(to: mark)
        await #expect(throws: (any Error).self) { try await pull("plain") }
        await #expect(throws: HubError.self) { try await pull("wrong", replacing: true) }
        #expect(FileManager.default.fileExists(atPath: mark.path))
        try await pull("plain", replacing: true)
        try expectComplete()
    }

    @Test("without safetensors, PyTorch's file is taken; without either, nothing")
    func bin() async throws {
        let model = server.folder.appending(path: "bin")
        try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
        let bin = Fixtures.reference.appending(path: "loader/odd_layouts.bin")
        try FileManager.default.copyItem(at: bin, to: model.appending(path: "pytorch_model.bin"))
        let other = try await HubServer(model: model)
        func pull() async throws -> [ModelPull.File] {
            let endpoint = try HubEndpoint(address: other.address("plain"), token: nil)
            return try await ModelPull(ModelName("owner/shapes"), revision: Revision("main"), from: endpoint)
                .run(into: other.folder.appending(path: "models/m"), replacing: true) { _ in }
        }
        #expect(try await pull().map(\.name) == ["pytorch_model.bin"])
        try FileManager.default.copyItem(at: bin, to: model.appending(path: "model.safetensors"))
        #expect(try await pull().map(\.name) == ["model.safetensors"])
        for name in ["model.safetensors", "pytorch_model.bin"] {
            try FileManager.default.removeItem(at: model.appending(path: name))
        }
        let error = await #expect(throws: HubError.self) { try await pull() }
        #expect(error?.kind == .badData)
    }

    @Test("two pulls of one model at a time do not mix")
    func twice() async throws {
        let other = Mutex<String?>(nil)
        try await pull("plain") { progress in
            guard case .bytes(_, _, "model.safetensors") = progress, other.withLock({ $0 }) == nil else { return }
            // While this one holds the directory.
            do {
                _ = try DirectoryLock(self.staged.path)
                other.withLock { $0 = "locked twice" }
            } catch {
                other.withLock { $0 = "\(error)" }
            }
        }
        #expect(other.withLock { $0 }?.contains("another process") == true)
    }
}

@Suite("Names, revisions and addresses of a hub")
struct HubEndpointTests {
    @Test("what is none is a usage error")
    func usage() {
        for name in ["", "clip", "a/b/c", "../b", "a/..", "a/b..c", "/a", "a/", "a b/c", "a/b?x", "a/\u{E9}"] {
            #expect(throws: HubError.self, "\(name)") { try ModelName(name) }
        }
        for revision in ["", "a b", "../main", "-x", "a?b", String(repeating: "a", count: 201)] {
            #expect(throws: HubError.self, "\(revision)") { try Revision(revision) }
        }
        for address in ["ftp://x", "huggingface.co", "http://", "file:///etc"] {
            #expect(throws: HubError.self, "\(address)") { try HubEndpoint(address: address, token: nil) }
        }
        #expect(throws: HubError.self) { try HubEndpoint(address: nil, token: "a\nb") }
    }

    @Test("the hub is Hugging Face's where none is named")
    func standard() throws {
        #expect(try HubEndpoint.standard([:]).url.absoluteString == "https://huggingface.co")
        #expect(try HubEndpoint.standard(["HF_ENDPOINT": ""]).url.absoluteString == "https://huggingface.co")
        #expect(try ModelName("openai/clip-vit-base-patch32").name == "openai/clip-vit-base-patch32")
    }
}
