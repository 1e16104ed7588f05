import Foundation
import SystemSupport

/// Files of a journal are for the daemon's user alone: they hold pictures, and what streams were added with.
enum PrivateFiles {
    /// Files beside a journal, by what their names add to its own.
    private static let parts = ["", "-wal", "-shm", "-journal", "-last"]

    /// Makes a journal's directory, and takes from modes what an older version or another hand left to others.
    static func prepare(journal path: String) throws(FolderProblem) {
        try PrivateFolder.make(URL(filePath: path).deletingLastPathComponent().path)
        for part in parts { PrivateFolder.close(path + part) }
        closeAside(path)
        closeFolder(path + ".d")
        if let problem = PathTrust.problem(path) { throw FolderProblem(problem) }
    }

    /// Damaged files that were moved aside.
    private static func closeAside(_ path: String) {
        let url = URL(filePath: path)
        let folder = url.deletingLastPathComponent().path
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        where name.hasPrefix(url.lastPathComponent + ".corrupt-") {
            PrivateFolder.close("\(folder)/\(name)")
        }
    }

    /// A directory and all that is in it; links lead nowhere.
    private static func closeFolder(_ path: String) {
        PrivateFolder.close(path)
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
            closeFolder("\(path)/\(name)")
        }
    }
}
