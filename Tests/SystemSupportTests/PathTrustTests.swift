import Foundation
import SystemSupport
import Testing

@Suite("Paths where others may put something")
struct PathTrustTests {
    private static let other: uid_t = geteuid() + 4711

    /// Makes a directory like /tmp, and one in it with a mode and an owner.
    private func shared(_ mode: mode_t, owner: uid_t = geteuid(), like: mode_t = 0o1777) throws -> String {
        let folder = try emptyFolder() + "/shared"
        mkdir(folder, 0o700)
        chmod(folder, like)
        let entry = folder + "/watchword-1"
        mkdir(entry, 0o700)
        chmod(entry, mode)
        try #require(chown(entry, owner, gid_t.max) == 0)
        return entry
    }

    @Test(
        "one's own directory in /tmp is taken if nobody else can write to it", arguments: [0o700, 0o750, 0o755, 0o711])
    func own(_ mode: Int) throws {
        let entry = try shared(mode_t(mode))
        #expect(PathTrust.problem(entry + "/control.sock") == nil && PathTrust.problem(entry) == nil)
        try PrivateFolder.make(entry)
    }

    @Test("one that others can write to is refused", arguments: [0o777, 0o770, 0o722, 0o702, 0o720])
    func writable(_ mode: Int) throws {
        let entry = try shared(mode_t(mode))
        #expect(PathTrust.problem(entry + "/control.sock")?.contains("other users can write to \(entry)") == true)
        #expect(throws: FolderProblem.self) { try PrivateFolder.make(entry) }
    }

    @Test(
        "one that another user made is refused by both sides, whatever its mode", ownedByRoot,
        arguments: [0o700, 0o755, 0o777])
    func impostor(_ mode: Int) throws {
        let entry = try shared(mode_t(mode), owner: Self.other)
        #expect(PathTrust.problem(entry + "/control.sock")?.contains("belongs to user \(Self.other)") == true)
        #expect(throws: FolderProblem.self) { try PrivateFolder.make(entry) }
        #expect(throws: FolderProblem.self) { try PrivateFolder.make(entry + "/below") }
    }

    @Test("root's directory in /tmp is taken by everybody, and one's own by that user", ownedByRoot)
    func root() throws {
        #expect(try PathTrust.problem(shared(0o755, owner: 0) + "/control.sock", user: Self.other) == nil)
        #expect(try PathTrust.problem(shared(0o700, owner: Self.other) + "/x", user: Self.other) == nil)
    }

    @Test(
        "a symbolic link in /tmp is refused, to wherever it leads; elsewhere it is followed, and judged where it leads",
        ownedByRoot)
    func links() throws {
        let entry = try shared(0o700)
        let link = URL(filePath: entry).deletingLastPathComponent().appending(path: "link").path
        symlink(entry, link)
        #expect(PathTrust.problem(link + "/control.sock")?.contains("symbolic link") == true)
        #expect(throws: FolderProblem.self) { try PrivateFolder.make(link) }
        let folder = try emptyFolder()
        symlink(entry, folder + "/good")
        #expect(PathTrust.problem(folder + "/good/control.sock") == nil)
        symlink(try shared(0o777), folder + "/bad")
        #expect(PathTrust.problem(folder + "/bad/control.sock") != nil)
        symlink(try shared(0o700, owner: Self.other), folder + "/others")
        #expect(PathTrust.problem(folder + "/others/../others/control.sock") != nil)
        symlink(folder + "/loop", folder + "/loop")
        #expect(PathTrust.problem(folder + "/loop/x") == nil)
        #expect(throws: FolderProblem.self) { try PrivateFolder.make(folder + "/loop/x") }
    }

    @Test("a directory that everybody can write to and that is not like /tmp keeps nothing safe")
    func plain() throws {
        let entry = try shared(0o700, like: 0o777)
        #expect(PathTrust.problem(entry + "/control.sock")?.contains("in the place of \(entry)") == true)
    }

    @Test("a socket that another user left in a directory like /tmp is refused", ownedByRoot)
    func sockets() throws {
        let entry = try shared(0o1777)
        let path = entry + "/control.sock"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        #expect(PathTrust.problem(path) == nil)
        chown(path, Self.other, gid_t.max)
        #expect(PathTrust.problem(path)?.contains("belongs to user") == true)
    }

    @Test("a file that everybody can change is trusted nowhere; a socket is for its directory to keep")
    func files() throws {
        let path = try emptyFolder() + "/plugin.so"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        for (mode, isTrusted) in [(0o644, true), (0o664, true), (0o666, false), (0o602, false)] {
            chmod(path, mode_t(mode))
            #expect((PathTrust.problem(path) == nil) == isTrusted)
        }
        unlink(path)
        try #require(mkfifo(path, 0o666) == 0)
        chmod(path, 0o666)
        #expect(PathTrust.problem(path) == nil)
    }

    @Test(
        "what root put a user's directory into is trusted, as /run/watchword is, which belongs to the daemon's user",
        ownedByRoot)
    func delegated() throws {
        let folder = try emptyFolder() + "/run"
        try PrivateFolder.make(folder + "/watchword")
        chmod(folder, 0o755)
        chown(folder + "/watchword", Self.other, gid_t.max)
        #expect(PathTrust.problem(folder + "/watchword/control.sock") == nil)
    }

    @Test("directories are made for their user alone, those above them too")
    func making() throws {
        let folder = try emptyFolder()
        try PrivateFolder.make(folder + "/a/b/c")
        for path in ["/a", "/a/b", "/a/b/c"] {
            let mode = try FileManager.default.attributesOfItem(atPath: folder + path)[.posixPermissions] as? Int
            #expect(mode == 0o700)
        }
        #expect(FileManager.default.createFile(atPath: folder + "/file", contents: nil))
        #expect(throws: FolderProblem.self) { try PrivateFolder.make(folder + "/file") }
        #expect(throws: FolderProblem.self) { try PrivateFolder.make(folder + "/file/below") }
        #expect(throws: FolderProblem.self) { try PrivateFolder.make("/proc/nothing/here") }
    }

    @Test(
        "what others may do is taken from a mode, and nothing else; links and others' files stay as they are",
        ownedByRoot)
    func closing() throws {
        let folder = try emptyFolder()
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        for (before, after) in [(0o644, 0o600), (0o777, 0o700), (0o400, 0o400), (0o664, 0o600), (0o604, 0o600)] {
            let path = folder + "/f\(before)"
            #expect(
                FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: before]))
            PrivateFolder.close(path)
            #expect(try mode(path) == after)
        }
        let path = folder + "/target"
        #expect(FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o644]))
        symlink(path, folder + "/link")
        PrivateFolder.close(folder + "/link")
        #expect(try mode(path) == 0o644)
        chown(path, Self.other, gid_t.max)
        PrivateFolder.close(path)
        #expect(try mode(path) == 0o644)
        PrivateFolder.close(folder + "/nothing")
    }
}
