import CLIP
import Foundation
import TestSupport
import Testing
import WatchwordConfiguration

@Suite("Models kept by name")
struct InstalledModelsTests {
    private let folder: URL
    private var models: InstalledModels { InstalledModels(directory: folder) }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID())")
        for name in ["local", "openai/clip", "openai/twice", "other/twice", "empty", ".hidden/clip"] {
            let model = folder.appending(path: name)
            try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
            if name != "empty" { try Data("{}".utf8).write(to: model.appending(path: "config.json")) }
        }
    }

    @Test("are listed by name, with their owner's; what is no model is not")
    func list() {
        #expect(models.all.map(\.name) == ["local", "openai/clip", "openai/twice", "other/twice"])
        #expect(InstalledModels(directory: URL(filePath: "/no/such/place")).all.isEmpty)
    }

    @Test("and a folder of files that is none is listed, so that it can be said why, with its owner or without")
    func unusable() throws {
        for (name, file) in [("pointer", "pytorch_model.bin.4"), ("owner/page", "index.html")] {
            let place = folder.appending(path: name)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: place.appending(path: file))
        }
        #expect(
            models.all.map(\.name) == [
                "local", "openai/clip", "openai/twice", "other/twice", "owner/page", "pointer",
            ])
    }

    @Test("are found by path first, then by name, with or without the owner's")
    func resolve() throws {
        #expect(try models.resolve(Fixtures.shapes.path).path == Fixtures.shapes.path)
        #expect(
            try models.resolve("shapes", from: Fixtures.shapes.deletingLastPathComponent()).path == Fixtures.shapes.path
        )
        for (name, place) in [("local", "local"), ("openai/clip", "openai/clip"), ("clip", "openai/clip")] {
            #expect(try models.resolve(name).path == folder.appending(path: place).path)
        }
        #expect { try models.resolve("twice") } throws: { "\($0)".contains("openai/twice, other/twice") }
        for name in ["nobody", "a/b/c", "../local", "/no/such"] {
            #expect { try models.resolve(name) } throws: {
                "\($0)".contains(name) && "\($0)".contains(folder.path) && "\($0)".contains("no such model")
            }
        }
    }

    @Test("lie where the environment says, else where such data belongs")
    func directory() {
        func place(_ environment: [String: String], isRoot: Bool = false) -> String {
            InstalledModels.standard(environment, isRoot: isRoot).directory.path
        }
        #expect(place(["WATCHWORD_MODELS": "/m", "XDG_DATA_HOME": "/x"]) == "/m")
        #expect(place(["XDG_DATA_HOME": "/x", "HOME": "/h"]) == "/x/watchword/models")
        #expect(place(["HOME": "/h"]) == "/h/.local/share/watchword/models")
        #expect(place(["HOME": "/root"], isRoot: true) == "/var/lib/watchword/models")
    }

    @Test("may be named in a configuration")
    func configuration() throws {
        let elsewhere = FileManager.default.temporaryDirectory.appending(path: "config-\(UUID())")
        try FileManager.default.createDirectory(
            at: elsewhere.appending(path: "local"), withIntermediateDirectories: true)
        let file = elsewhere.appending(path: "w.yaml")
        // A path from the file's folder goes before a name; what is neither is said when it is opened.
        for (model, place) in [
            ("local", elsewhere.appending(path: "local")), ("openai/clip", folder.appending(path: "openai/clip")),
            ("nobody", elsewhere.appending(path: "nobody")),
        ] {
            try Data("model: \(model)\n".utf8).write(to: file)
            #expect(try Configuration.load(file.path, models: models).model == place.path)
        }
    }
}
