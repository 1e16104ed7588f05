import Foundation

/// Finds the video files below a directory by name, with or without the file extension.
///
/// Symbolic links are followed.
struct VideoFolder {
    private var whole: [String: String] = [:]
    private var stems: [String: String] = [:]

    init(_ url: URL) throws(DataSetError) {
        guard let root = Self.kind(url.path), root.isDirectory else {
            throw DataSetError(url.path, "there is no such directory of videos", isMissing: true)
        }
        // Symbolic links may form cycles, so each directory is visited once.
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

    /// Returns the file whose name without its last extension is `id`; nil if there is none.
    subscript(_ id: String) -> String? { stems[id] }

    /// Returns the video file of that name; nil if there is none.
    ///
    /// The video may be in another container: `a.mov` may exist as `a.mp4` or `a.mov.mp4`.
    subscript(named name: String) -> String? { whole[name] ?? stems[name] ?? stems[Self.stem(name)] }

    private static func stem(_ name: String) -> String { name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name }

    /// Returns whether a path is a directory, and its path without symbolic links; nil if it does not exist.
    private static func kind(_ path: String) -> (isDirectory: Bool, place: String)? {
        let place = URL(filePath: path).resolvingSymlinksInPath()
        guard let isDirectory = try? place.resourceValues(forKeys: [.isDirectoryKey]).isDirectory else { return nil }
        return (isDirectory, place.path)
    }
}
