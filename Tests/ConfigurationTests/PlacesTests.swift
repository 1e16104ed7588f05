import Foundation
import Heads
import Ingest
import Logging
import Messaging
import StreamSources
import TestSupport
import Testing
import WatchwordConfiguration

@Suite("Places that are trusted", .serialized)
struct PlacesTests {
    private static let other: uid_t = geteuid() + 4711

    private func folder(_ mode: mode_t = 0o700) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "p-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, mode)
        return path
    }

    private func endpoint(_ environment: [String: String]) -> String {
        Configuration.defaultEndpoint("control", environment: environment)
    }

    @Test("sockets are in systemd's directory, else in the user's own, else in one of his own in /tmp")
    func order() throws {
        let own = try folder()
        let fallback = "ipc:///tmp/watchword-\(geteuid())/control.sock"
        #expect(
            endpoint(["RUNTIME_DIRECTORY": "/run/watchword", "XDG_RUNTIME_DIR": own])
                == "ipc:///run/watchword/control.sock")
        #expect(endpoint(["RUNTIME_DIRECTORY": "/run/a:/run/b"]) == "ipc:///run/a/control.sock")
        #expect(endpoint(["XDG_RUNTIME_DIR": own]) == "ipc://\(own)/watchword/control.sock")
        #expect(endpoint(["XDG_RUNTIME_DIR": own + "/later"]) == "ipc://\(own)/later/watchword/control.sock")
        for none in [[:], ["XDG_RUNTIME_DIR": ""], ["XDG_RUNTIME_DIR": "relative"], ["RUNTIME_DIRECTORY": ""]] {
            #expect(endpoint(none) == fallback)
        }
        // One that others write to, or that is another's, as `sudo` may leave it, is none.
        for mode in [0o777, 0o770, 0o1777, 0o702] as [mode_t] {
            #expect(try endpoint(["XDG_RUNTIME_DIR": folder(mode)]) == fallback)
        }
    }

    @Test(
        "a runtime directory that is another user's is not taken",
        .enabled(if: geteuid() == 0, "only root can give files away"))
    func anothersDirectory() throws {
        let own = try folder()
        #expect(endpoint(["XDG_RUNTIME_DIR": own]) == "ipc://\(own)/watchword/control.sock")
        try #require(chown(own, Self.other, gid_t.max) == 0)
        #expect(endpoint(["XDG_RUNTIME_DIR": own]) == "ipc:///tmp/watchword-\(geteuid())/control.sock")
    }

    @Test("a socket that another put at the user's place does not hide the machine's daemon")
    func impostor() throws {
        let shared = try folder(0o1777)
        let (own, machines) = (shared + "/own", try folder(0o755))
        for path in [own, own + "/watchword"] { mkdir(path, 0o700) }
        for path in [own + "/watchword/control.sock", machines + "/control.sock"] {
            #expect(FileManager.default.createFile(atPath: path, contents: nil))
        }
        func found() -> String {
            Configuration.daemonEndpoint("control", environment: ["XDG_RUNTIME_DIR": own], machines: machines)
        }
        #expect(found() == "ipc://\(own)/watchword/control.sock")
        // The directory above stays one's own, and the one in it is another's: made while everybody could.
        chmod(own + "/watchword", 0o777)
        chmod(own, 0o1777)
        #expect(found() != "ipc://\(own)/watchword/control.sock")
        #expect(
            Configuration.daemonEndpoint(
                "control", environment: ["RUNTIME_DIRECTORY": own + "/watchword"], machines: machines)
                == "ipc://\(machines)/control.sock")
    }

    @Test(
        "lists, keys and tokens that others can change are refused by path, with what to do",
        arguments: [0o666, 0o622, 0o602, 0o620])
    func changed(_ mode: Int) throws {
        let folder = try folder()
        let secret = try CurveSecretKey.make()
        func keep(_ name: String, _ text: String) throws {
            try #require(
                FileManager.default.createFile(
                    atPath: "\(folder)/\(name)", contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        }
        try keep("key", secret.z85)
        try keep("clients", "ops \(secret.publicKey().z85) control\n")
        try keep("token", "0123456789abcdef")
        try keep("w.yaml", "curve: {key: key, clients: clients}\nhttp: {token: token}\n")
        let configuration = try Configuration.load(folder + "/w.yaml")
        let logger = Logger(label: "test")
        func use() throws {
            _ = try configuration.curve?.gate(logger: logger)
            _ = try configuration.http?.secrets(environment: [:])
        }
        try use()
        for name in ["key", "clients", "token"] {
            chmod("\(folder)/\(name)", mode_t(mode))
            #expect { try use() } throws: { "\($0)".hasPrefix("\(folder)/\(name): ") && "\($0)".contains("chmod") }
            chmod("\(folder)/\(name)", 0o600)
        }
        // So is the list that is read again.
        chmod("\(folder)/clients", mode_t(mode))
        #expect(throws: ConfigurationError.self) { try configuration.curve?.list() }
    }

    @Test("a configuration that everybody can change is refused; a group may")
    func configuration() throws {
        let path = try folder() + "/w.yaml"
        try Data("head: mean".utf8).write(to: URL(filePath: path))
        for (mode, isTaken) in [(0o644, true), (0o664, true), (0o666, false), (0o602, false)] {
            chmod(path, mode_t(mode))
            if isTaken {
                _ = try Configuration.load(path)
            } else {
                #expect { try Configuration.load(path) } throws: { "\($0)".contains("chmod o-w") }
            }
        }
    }

    @Test("a pipeline template is not read from where others may write one")
    func templates() throws {
        let own = try folder(0o1777) + "/pipelines"
        mkdir(own, 0o755)
        try Data("videotestsrc ! appsink name=frames".utf8).write(to: URL(filePath: own + "/rtsp.gst"))
        chmod(own, 0o755)
        _ = try PipelineTemplates(directory: URL(filePath: own))
        chmod(own, 0o777)
        #expect(throws: SourceError.self) { try PipelineTemplates(directory: URL(filePath: own)) }
        chmod(own, 0o755)
        chmod(own + "/rtsp.gst", 0o666)
        #expect {
            try PipelineTemplates(directory: URL(filePath: own))
        } throws: {
            "\($0)".contains("everybody can change \(own)/rtsp.gst")
        }
    }

    @Test("a head plugin is not loaded from where others may put one")
    func heads() throws {
        let shared = try folder(0o1777)
        let own = shared + "/heads"
        mkdir(own, 0o700)
        try FileManager.default.copyItem(
            atPath: Fixtures.plugins + "/libwatchword-head-mean.so", toPath: own + "/libwatchword-head-mean.so")
        #expect(try HeadFinder(directories: [own]).load("mean").name == "mean")
        chmod(own, 0o777)
        #expect {
            try HeadFinder(directories: [own]).load("mean")
        } throws: {
            "\($0)".contains("other users can write to \(own)")
        }
        chmod(own, 0o755)
        chmod(own + "/libwatchword-head-mean.so", 0o777)
        #expect(throws: HeadError.self) { try HeadFinder(directories: [own]).load("mean") }
    }
}
