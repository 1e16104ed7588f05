import Foundation
import SystemSupport

/// Keeps a journal's files private to the daemon's user, because they contain pictures and the addresses of cameras.
enum PrivateFiles {
    /// The suffixes of the journal's files: the database, SQLite's additional files, and the last published number.
    private static let parts = ["", "-wal", "-shm", "-journal", "-last"]

    /// Creates a journal's directory, and removes other users' permissions from existing files.
    ///
    /// It throws if another user could replace the journal.
    static func prepare(journal path: String) throws(FolderProblem) {
        try PrivateFolder.make(URL(filePath: path).deletingLastPathComponent().path)
        for part in parts { PrivateFolder.close(path + part) }
        closeAside(path)
        closeFolder(path + ".d")
        if let problem = PathTrust.problem(path) { throw FolderProblem(problem) }
    }

    /// Removes other users' permissions from damaged journals that were moved aside.
    private static func closeAside(_ path: String) {
        let url = URL(filePath: path)
        let folder = url.deletingLastPathComponent().path
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        where name.hasPrefix(url.lastPathComponent + ".corrupt-") {
            PrivateFolder.close("\(folder)/\(name)")
        }
    }

    /// Removes other users' permissions from a directory and its contents; links are not followed.
    private static func closeFolder(_ path: String) {
        PrivateFolder.close(path)
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
            closeFolder("\(path)/\(name)")
        }
    }
}
