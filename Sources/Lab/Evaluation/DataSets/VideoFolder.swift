import Foundation

/// The video files below a directory, by name and by name without the last extension; links are followed.
struct VideoFolder {
    private var whole: [String: String] = [:]
    private var stems: [String: String] = [:]

    init(_ url: URL) throws(DataSetError) {
        guard let root = Self.kind(url.path), root.isDirectory else {
            throw DataSetError(url.path, "there is no such directory of videos", isMissing: true)
        }
        // Links may lead back to where they lie.
        var seen: Set<String> = []
        var waiting = [url.path]
        var files: [String] = []
        while let folder = waiting.popLast() {
            guard let kind = Self.kind(folder), seen.insert(kind.place).inserted,
                let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
            else { continue }
            for name in names {
                let path = "\(folder)/\(name)"
                guard let kind = Self.kind(path) else { continue }
                if kind.isDirectory { waiting.append(path) } else { files.append(path) }
            }
        }
        for path in files.sorted() {
            let name = String(path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...])
            whole[name] = path
            stems[Self.stem(name)] = path
        }
    }

    /// The file whose name without its last extension is the id; nil if there is none.
    subscript(_ id: String) -> String? { stems[id] }

    /// The file of that name, or the same video in another container: `a.mov` may exist as `a.mp4` or `a.mov.mp4`.
    subscript(named name: String) -> String? { whole[name] ?? stems[name] ?? stems[Self.stem(name)] }

    private static func stem(_ name: String) -> String { name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name }

    /// Whether a path is a file or a directory, with its inode, links followed; nil if it does not exist.
    private static func kind(_ path: String) -> (isDirectory: Bool, place: String)? {
        let place = URL(filePath: path).resolvingSymlinksInPath()
        guard let isDirectory = try? place.resourceValues(forKeys: [.isDirectoryKey]).isDirectory else { return nil }
        return (isDirectory, place.path)
    }
}
