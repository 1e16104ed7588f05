import Foundation
import SystemSupport
import Testing

@Suite("Files that are there whole or not at all")
struct AtomicFileTests {
    private struct Interrupted: Error {}

    private func contents(_ folder: String) throws -> [String: String] {
        var found: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            found[name] = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
        }
        return found
    }

    @Test("while a file is written the old one stays, and then only the new one is there")
    func whole() throws {
        let folder = try emptyFolder()
        let path = "\(folder)/file"
        try "old".write(toFile: path, atomically: false, encoding: .utf8)
        for writers in [AtomicFile.Writers.one, .several] {
            try AtomicFile.write(to: path, writers) { part in
                let file = try OutputFile(path: part)
                try file.write(Data("new".utf8))
                #expect(try contents(folder) == ["file": "old", String(part.dropFirst(folder.count + 1)): "new"])
                try file.finish()
            }
            #expect(try contents(folder) == ["file": "new"])
            try AtomicFile.write(Data("old".utf8), to: path, writers)
        }
    }

    @Test("what fails half way leaves the old file, and no part")
    func interrupted() throws {
        let folder = try emptyFolder()
        let path = "\(folder)/file"
        try AtomicFile.write(Data("old".utf8), to: path)
        #expect(throws: Interrupted.self) {
            try AtomicFile.write(to: path) { part in
                try Data("half".utf8).write(to: URL(filePath: part))
                throw Interrupted()
            }
        }
        #expect(try contents(folder) == ["file": "old"])
    }

    @Test("one writer replaces what a crash left of the part, several writers keep apart")
    func parts() throws {
        let folder = try emptyFolder()
        let path = "\(folder)/file"
        try Data("left".utf8).write(to: URL(filePath: path + ".part"))
        try AtomicFile.write(Data("new".utf8), to: path, .one)
        #expect(try contents(folder) == ["file": "new"])
        try AtomicFile.write(to: path, .several) { first in
            try AtomicFile.write(to: path, .several) { second in
                #expect(first != second)
                try Data("second".utf8).write(to: URL(filePath: second))
            }
            try Data("first".utf8).write(to: URL(filePath: first))
        }
        #expect(try contents(folder) == ["file": "first"])
    }

    @Test("a link in the place of the part is replaced, and what it leads to is left alone")
    func link() throws {
        let folder = try emptyFolder()
        try Data("theirs".utf8).write(to: URL(filePath: "\(folder)/theirs"))
        symlink("\(folder)/theirs", "\(folder)/file.part")
        try AtomicFile.write(Data("mine".utf8), to: "\(folder)/file", .one)
        #expect(try contents(folder) == ["theirs": "theirs", "file": "mine"])
    }

    @Test("a file has the mode that is asked for, whatever the umask", arguments: [mode_t(0o600), 0o644, 0o666])
    func modes(mode: mode_t) throws {
        let path = try emptyFolder() + "/file"
        try AtomicFile.write(Data(), to: path, mode: mode)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == mode)
    }

    @Test("a place that cannot be written is named, with the system's reason")
    func refusals() throws {
        let folder = try emptyFolder()
        #expect(throws: WriteError("\(folder)/none/file", errno: ENOENT)) {
            try AtomicFile.write(Data(), to: "\(folder)/none/file")
        }
        // A directory that is not empty is no place for a file: rename(2).
        mkdir("\(folder)/taken", 0o755)
        #expect(throws: WriteError("\(folder)/taken", errno: EISDIR)) {
            try AtomicFile.write(Data(), to: "\(folder)/taken")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
    }
}

@Suite("A directory that one may write to at a time")
struct DirectoryLockTests {
    @Test("a second lock is refused at once, and had again once the first goes")
    func second() throws {
        let folder = try emptyFolder()
        do {
            let first = try DirectoryLock(folder)
            let error = #expect(throws: WriteError.self) { _ = try DirectoryLock(folder) }
            #expect(error?.code == EWOULDBLOCK && error?.description.contains("another process") == true)
            withExtendedLifetime(first) {}
        }
        #expect(throws: Never.self) { _ = try DirectoryLock(folder) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        let missing = #expect(throws: WriteError.self) { _ = try DirectoryLock("\(folder)/missing") }
        #expect(missing?.code == ENOENT)
    }
}
