package import Foundation

/// Checks whether another user could replace the file or directory at a path.
///
/// Directories along the path are trusted, except those that everybody may write to, such as /tmp. An entry of such a
/// directory must belong to this user or root, and must be neither a symbolic link nor a directory that others may
/// write to. A file that everybody may write to is never trusted.
package enum PathTrust {
    /// Returns an error message if another user could replace something on the existing part of a path; otherwise nil.
    ///
    /// `user` is the id of the user that will use the path.
    package static func problem(_ path: String, user: uid_t = geteuid()) -> String? {
        guard path.hasPrefix("/") else {
            return problem(FileManager.default.currentDirectoryPath + "/" + path, user: user)
        }
        return problem(path, user: user, links: 40)
    }

    /// Returns true if a file belongs to `user` (or to root, if `orRoot`), and no other user may write to it.
    package static func isOwn(_ status: stat, orRoot: Bool = false, user: uid_t = geteuid()) -> Bool {
        (status.st_uid == user || (orRoot && status.st_uid == 0)) && status.st_mode & (S_IWGRP | S_IWOTH) == 0
    }

    private static func problem(_ path: String, user: uid_t, links: Int) -> String? {
        guard links > 0 else { return "\(path) leads through too many symbolic links" }
        var current = ""
        guard var parent = status("/") else { return nil }
        for name in path.split(separator: "/") where name != "." {
            // A path with ".." is checked again in its resolved form.
            guard name != ".." else { return resolved(path).flatMap { problem($0, user: user, links: links - 1) } }
            let above = current.isEmpty ? "/" : current
            current += "/" + name
            guard let here = status(current) else { return nil }
            if parent.st_mode & S_IWOTH != 0, let problem = shared(current, here, in: above, parent, user) {
                return problem
            }
            if here.st_mode & S_IFMT == S_IFREG, here.st_mode & S_IWOTH != 0 {
                return "everybody can change \(current); chmod o-w it"
            }
            guard here.st_mode & S_IFMT == S_IFLNK else {
                parent = here
                continue
            }
            guard let target = resolved(current) else { return nil }
            if let problem = problem(target, user: user, links: links - 1) { return problem }
            guard let there = status(target) else { return nil }
            current = target == "/" ? "" : target
            parent = there
        }
        return nil
    }

    /// Returns an error message if an entry of a directory that everybody may write to is not safe; nil if it is.
    private static func shared(_ path: String, _ entry: stat, in above: String, _ parent: stat, _ user: uid_t)
        -> String?
    {
        guard parent.st_mode & S_ISVTX != 0 else {
            return "everybody can put something else in the place of \(path); chmod o-w \(above)"
        }
        guard entry.st_uid == user || entry.st_uid == 0 else {
            return "\(path) belongs to user \(entry.st_uid), and everybody may make it there: expected user \(user)"
        }
        switch entry.st_mode & S_IFMT {
        case S_IFLNK:
            return "\(path) is a symbolic link, which everybody may make there: expected a directory or a file"
        case S_IFDIR where entry.st_mode & (S_IWGRP | S_IWOTH) != 0 && entry.st_mode & S_ISVTX == 0:
            return "other users can write to \(path); chmod 700 it"
        default: return nil
        }
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
