import Foundation

/// Finds the video files below a directory by name, with or without the file extension.
///
/// Symbolic links are followed. A name that several videos have is an error only if it is asked for.
struct VideoFolder {
    /// The files of each name, in order; `stems` has those of each name without its last extension.
    private var whole: [String: [String]] = [:]
    private var stems: [String: [String]] = [:]
    private let path: String
    private static let extensions: Set = [
        "3gp", "avi", "flv", "gif", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ts", "webm", "wmv",
    ]

    init(_ url: URL) throws(DataSetError) {
        guard let root = Self.kind(url.path), root.isDirectory else {
            throw DataSetError(url.path, "there is no such directory of videos", isMissing: true)
        }
        path = url.path
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
            whole[name, default: []].append(path)
            stems[Self.stem(name), default: []].append(path)
        }
    }

    /// Returns the file whose name without its last extension is `id`; nil if there is none.
    ///
    /// Throws if there are several.
    func video(_ id: String) throws(DataSetError) -> String? { try one(of: stems[id], id) }

    /// Returns the video file of that name; nil if there is none.
    ///
    /// Throws if there are several. The video may be in another container: `a.mov` may exist as `a.mp4` or `a.mov.mp4`.
    func video(named name: String) throws(DataSetError) -> String? {
        try one(of: whole[name] ?? stems[name] ?? stems[Self.stem(name)], name)
    }

    /// Returns the only video among files that fit a name; files that are no videos may lie beside it.
    private func one(of files: [String]?, _ name: String) throws(DataSetError) -> String? {
        guard let files, !files.isEmpty else { return nil }
        let videos = files.filter { Self.extensions.contains(URL(filePath: $0).pathExtension.lowercased()) }
        let fitting = videos.isEmpty ? files : videos
        let first = fitting[0]
        // Links to one file are no two videos.
        let place = Self.kind(first)?.place
        guard let other = fitting.first(where: { Self.kind($0)?.place != place }) else { return fitting.last }
        throw DataSetError(
            path, "two videos are called \"\(name)\", \(first) and \(other): take away or rename one of them")
    }

    private static func stem(_ name: String) -> String { name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name }

    /// Returns whether a path is a directory, and its path without symbolic links; nil if it does not exist.
    private static func kind(_ path: String) -> (isDirectory: Bool, place: String)? {
        let place = URL(filePath: path).resolvingSymlinksInPath()
        guard let isDirectory = try? place.resourceValues(forKeys: [.isDirectoryKey]).isDirectory else { return nil }
        return (isDirectory, place.path)
    }
}
