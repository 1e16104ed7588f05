import Foundation
import Logging
import Messaging
import Synchronization
import TestSupport
import Testing

/// Tests sockets and directories that another user may have replaced.
///
/// Only root can give a directory away; other users test the other cases.
@Suite("Sockets that may be another user's", .serialized)
struct ImpostorTests {
    private static let other: uid_t = geteuid() + 4711

    /// Makes a directory in one like /tmp.
    private func place() throws -> String {
        let shared = FileManager.default.temporaryDirectory.appending(path: "s-\(UUID().uuidString.prefix(8))").path
        mkdir(shared, 0o700)
        chmod(shared, 0o1777)
        return shared + "/watchword-0"
    }

    private func give(_ path: String) throws {
        try #require(chown(path, Self.other, gid_t.max) == 0)
    }

    /// The faults of a place: its owner, its mode, or a link.
    private static let wrongs = (geteuid() == 0 ? ["owner"] : []) + ["mode", "link"]
    private func spoil(_ folder: String, _ how: String) throws {
        switch how {
        case "owner": try give(folder)
        case "mode": chmod(folder, 0o777)
        default:
            rename(folder, folder + "-real")
            symlink(folder + "-real", folder)
        }
    }

    @Test("a client tells an impostor nothing, neither when it asks nor when it subscribes", arguments: wrongs)
    func client(_ how: String) async throws {
        let folder = try place()
        let heard = Atomic(0)
        let server = try ControlServer(binding: "ipc://\(folder)/c") { data in
            heard.wrappingAdd(1, ordering: .relaxed)
            return data
        }
        defer { server.stop() }
        let publisher = try Publisher(binding: "ipc://\(folder)/e")
        func ask() async throws -> Data {
            try await blocking { try ControlClient("ipc://\(folder)/c").request(Data("secret".utf8), timeout: 30) }
        }
        #expect(try await ask() == Data("secret".utf8))
        try spoil(folder, how)
        await #expect {
            try await ask()
        } throws: {
            "\($0)".contains("may be another user's") && ($0 as? MessagingError)?.isDenied == true
        }
        #expect {
            try Subscriber(connecting: "ipc://\(folder)/e", prefixes: [""])
        } throws: {
            "\($0)".contains("may be another user's")
        }
        #expect(heard.load(ordering: .relaxed) == 1)
        withExtendedLifetime(publisher) {}
    }

    @Test("a daemon binds no socket where another user may put his own", arguments: wrongs)
    func daemon(_ how: String) throws {
        let folder = try place()
        mkdir(folder, 0o700)
        try spoil(folder, how)
        for bind in [
            { _ = try ControlServer(binding: "ipc://\(folder)/c") { $0 } },
            { _ = try Publisher(binding: "ipc://\(folder)/e") },
        ] {
            #expect { try bind() } throws: { "\($0)".contains("name another socket, or set XDG_RUNTIME_DIR") }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test("a directory that is missing is made for its user alone")
    func made() throws {
        let folder = try place()
        let publisher = try Publisher(binding: "ipc://\(folder)/below/e")
        for path in [folder, folder + "/below"] {
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o700)
        }
        withExtendedLifetime(publisher) {}
    }
}
