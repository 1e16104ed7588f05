import Digests
import Foundation

/// A clip's file that cannot be read: the clip is then missing from the data set.
struct UnreadableFile: Error, CustomStringConvertible {
    let path: String
    let why: String
    var description: String { "\(path): it cannot be read: \(why)" }

    /// SHA-256 of a whole file after `prefix`.
    static func digest(_ path: String, prefix: String) throws(UnreadableFile) -> String {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw UnreadableFile(path: path, why: "there is no such file")
        }
        guard !isDirectory.boolValue else { throw UnreadableFile(path: path, why: "it is a directory") }
        do { return try Digest.of(file: path, prefix: prefix) } catch {
            throw UnreadableFile(path: path, why: error.localizedDescription)
        }
    }
}
