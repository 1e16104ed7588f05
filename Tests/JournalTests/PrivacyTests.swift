import Foundation
import Journal
import Testing

@Suite("A journal's files are its user's alone", .serialized)
struct PrivacyTests {
    /// The mode of a directory and of everything in it.
    private func modes(_ folder: String) throws -> [String: Int] {
        var modes: [String: Int] = [:]
        for path in [folder] + (try FileManager.default.subpathsOfDirectory(atPath: folder)).map({ "\(folder)/\($0)" })
        {
            modes[path] = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        return modes
    }

    private func fill(_ path: String) throws -> Journal {
        let journal = try Journal(path: path)
        _ = try journal.append([message(event: "A", .start)])
        _ = try journal.write(snapshot: Data([1, 2, 3]), event: "A")
        return journal
    }

    @Test("nobody else may read or change anything of what is made")
    func made() throws {
        let path = temporary()
        let journal = try fill(path)
        let folder = URL(filePath: path).deletingLastPathComponent().path
        let found = try modes(folder)
        #expect(found.keys.contains { $0.hasSuffix("-wal") } && found.keys.contains { $0.hasSuffix("-last") })
        #expect(found.keys.contains { $0.hasSuffix("snapshots/A.jpg") })
        for (path, mode) in found { #expect(mode & 0o077 == 0, "\(path) \(String(mode, radix: 8))") }
        _ = journal
    }

    @Test("what an older version left to others is mended at the start, files that were moved aside too")
    func mended() throws {
        let path = temporary()
        let folder = URL(filePath: path).deletingLastPathComponent().path
        do { _ = try fill(path) }
        let aside = path + ".corrupt-20260101T000000Z"
        try Data("old".utf8).write(to: URL(filePath: aside))
        for other in ["-wal", "-shm"] where !FileManager.default.fileExists(atPath: path + other) {
            try Data().write(to: URL(filePath: path + other))
        }
        let all = try modes(folder).keys.filter { $0 != folder }
        for path in all {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            chmod(path, isFolder.boolValue ? 0o755 : 0o666)
        }
        // What a link leads to is not of the journal.
        let stranger = FileManager.default.temporaryDirectory.appending(path: "stranger-\(UUID())").path
        try Data("a".utf8).write(to: URL(filePath: stranger))
        chmod(stranger, 0o644)
        symlink(stranger, path + ".d/snapshots/link.jpg")
        let journal = try Journal(path: path)
        #expect(journal.snapshot(of: "A") == Data([1, 2, 3]))
        for (path, mode) in try modes(folder) where path != folder && !path.hasSuffix("link.jpg") {
            #expect(mode & 0o077 == 0, "\(path) \(String(mode, radix: 8))")
        }
        #expect(try FileManager.default.attributesOfItem(atPath: stranger)[.posixPermissions] as? Int == 0o644)
    }

    @Test("a place in /tmp that another user made is refused by a sentence, and nothing is written there")
    func others() throws {
        let shared = FileManager.default.temporaryDirectory.appending(path: "shared-\(UUID())").path
        mkdir(shared, 0o700)
        chmod(shared, 0o1777)
        mkdir(shared + "/watchword", 0o777)
        chmod(shared + "/watchword", 0o777)
        #expect {
            try Journal(path: shared + "/watchword/journal.sqlite")
        } throws: {
            "\($0)".contains("other users can write to \(shared)/watchword")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: shared + "/watchword").isEmpty)
    }

    @Test("a link that somebody put in the place of a snapshot's draft is not written through")
    func drafts() throws {
        let path = temporary()
        let journal = try fill(path)
        let stranger = FileManager.default.temporaryDirectory.appending(path: "stranger-\(UUID())").path
        try Data("kept".utf8).write(to: URL(filePath: stranger))
        symlink(stranger, path + ".d/snapshots/B.jpg.part")
        _ = try journal.write(snapshot: Data([9]), event: "B")
        #expect(journal.snapshot(of: "B") == Data([9]))
        #expect(FileManager.default.contents(atPath: stranger) == Data("kept".utf8))
    }
}
