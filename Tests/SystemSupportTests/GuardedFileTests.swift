import Foundation
import SystemSupport
import Testing

/// Makes an empty directory for a test.
func emptyFolder() throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "permissions-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    chmod(path, 0o755)
    return path
}

/// Enables a test only for root, since only root can give files to another user.
let ownedByRoot: ConditionTrait = .enabled(if: geteuid() == 0, "only root can give files away")

@Suite("Files on which safety depends")
struct GuardedFileTests {
    /// A user that is neither this one nor root.
    private static let other: uid_t = geteuid() + 4711

    private func file(_ mode: Int, in folder: String) throws -> String {
        let path = "\(folder)/f-\(UUID())"
        try #require(
            FileManager.default.createFile(
                atPath: path, contents: Data("words".utf8), attributes: [.posixPermissions: mode]))
        return path
    }

    @Test("every mode is judged by who else may read or change the file")
    func modes() throws {
        let folder = try emptyFolder()
        for mode in 0..<0o1000 where mode & 0o400 != 0 {
            let path = try file(mode, in: folder)
            defer { unlink(path) }
            for (secrecy, forbidden) in [
                (GuardedFile.Secrecy.secret, 0o077), (.trusted, 0o022), (.shared, 0o002),
            ] {
                let found = Result { try GuardedFile.read(path, "thing", secrecy, limit: 100, credentials: nil) }
                if mode & forbidden == 0 {
                    #expect(try found.get() == Data("words".utf8))
                } else {
                    #expect(throws: FileProblem.self, "\(String(mode, radix: 8)) \(secrecy)") { try found.get() }
                }
            }
        }
    }

    @Test(
        "root may hand a secret over by its group, as systemd's credentials are; nobody else may", ownedByRoot)
    func groups() throws {
        let folder = try emptyFolder()
        let path = try file(0o640, in: folder)
        func isTaken(_ user: uid_t, credentials: String? = nil) -> Bool {
            (try? GuardedFile.read(path, "thing", .secret, limit: 100, credentials: credentials, user: user)) != nil
        }
        #expect(isTaken(Self.other) && !isTaken(0) && isTaken(0, credentials: folder))
        #expect(!isTaken(0, credentials: folder + "/other") && !isTaken(0, credentials: ""))
        chmod(path, 0o660)
        #expect(!isTaken(Self.other) && !isTaken(0, credentials: folder))
        chmod(path, 0o644)
        #expect(!isTaken(Self.other) && !isTaken(0, credentials: folder))
    }

    @Test(
        "a file of another user is refused, whatever its mode; he could change it", ownedByRoot,
        arguments: [0o600, 0o644])
    func owner(_ mode: Int) throws {
        let path = try file(mode, in: emptyFolder())
        chown(path, Self.other, 0)
        for secrecy in [GuardedFile.Secrecy.secret, .trusted] {
            #expect {
                try GuardedFile.read(path, "thing", secrecy, limit: 100, credentials: nil)
            } throws: {
                ($0 as? FileProblem)?.kind == .exposed && "\($0)".contains("belongs to user \(Self.other)")
            }
        }
        // To that user it is his own.
        _ = try GuardedFile.read(path, "thing", .trusted, limit: 100, credentials: nil, user: Self.other)
    }

    @Test("a file that everybody can replace is refused; in a directory like /tmp nobody can")
    func folders() throws {
        let folder = try emptyFolder()
        let path = try file(0o600, in: folder)
        chmod(folder, 0o777)
        #expect {
            try GuardedFile.read(path, "thing", .secret, limit: 100, credentials: nil)
        } throws: {
            "\($0)".contains("another file in the place of this thing")
        }
        chmod(folder, 0o1777)
        _ = try GuardedFile.read(path, "thing", .secret, limit: 100, credentials: nil)
    }

    @Test("what is no file, is missing or is too large is refused, and a FIFO is not waited for")
    func others() throws {
        let folder = try emptyFolder()
        mkfifo("\(folder)/fifo", 0o600)
        for path in [folder, "/dev/zero", "\(folder)/fifo", "\(folder)/nothing"] {
            #expect {
                try GuardedFile.read(path, "thing", .secret, limit: 100)
            } throws: {
                ($0 as? FileProblem)?.kind == .missing
            }
        }
        let path = try file(0o600, in: folder)
        #expect(try GuardedFile.read(path, "thing", .secret, limit: 5, credentials: nil).count == 5)
        #expect {
            try GuardedFile.read(path, "thing", .secret, limit: 4, credentials: nil)
        } throws: {
            ($0 as? FileProblem)?.kind == .malformed
        }
    }
}
