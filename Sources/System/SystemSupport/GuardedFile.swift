package import Foundation

/// The reason why a file is refused, with advice; the caller adds the path.
package struct FileProblem: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The file does not exist, or cannot be read.
        case missing
        /// Other users may read or change the file.
        case exposed
        /// The file is too large, or its content is invalid.
        case malformed
    }
    package let kind: Kind
    package let description: String
}

/// Reads small files on which the daemon's security depends: opens, checks the open descriptor, then reads.
///
/// The checked file is thus the one that is read, whatever happens to its name meanwhile.
package enum GuardedFile {
    /// The protection that a file needs.
    package enum Secrecy: Sendable, Equatable {
        /// No other user may read or change the file: keys, tokens, passwords.
        case secret
        /// Everybody may read the file, but no other user may change it: lists of permissions.
        case trusted
        /// A group may change the file, but not everybody.
        case shared
    }

    /// Reads a file of at most `limit` bytes; throws if its protection is insufficient.
    ///
    /// `what` names it for people ("token"). `credentials` is systemd's directory, whose access lists appear as the
    /// group's mode. `user` is the reading user.
    package static func read(
        _ path: String, _ what: String, _ secrecy: Secrecy, limit: Int,
        credentials: String? = Credential.directory, user: uid_t = geteuid()
    ) throws(FileProblem) -> Data {
        // A FIFO must not be waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw FileProblem(.missing, "the \(what) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileProblem(.missing, "this is no file, and a \(what) is expected")
        }
        let isCredential = credentials.map { !$0.isEmpty && path.hasPrefix("\($0)/") } ?? false
        if let problem = problem(status, what, secrecy, isCredential: isCredential, user: user)
            ?? folderProblem(path, what)
        {
            throw FileProblem(.exposed, problem)
        }
        guard let data = contents(descriptor, limit: limit) else {
            throw FileProblem(.missing, "the \(what) cannot be read: \(String(cString: strerror(errno)))")
        }
        guard data.count <= limit else {
            throw FileProblem(.malformed, "a file of a \(what) is no larger than \(limit) bytes")
        }
        return data
    }

    /// The fault in a file's owner and mode; nil if there is none.
    private static func problem(
        _ status: stat, _ what: String, _ secrecy: Secrecy, isCredential: Bool, user: uid_t
    ) -> String? {
        let (mode, owner) = (status.st_mode, status.st_uid)
        if secrecy == .shared {
            return mode & S_IWOTH == 0 ? nil : "everybody can change this \(what); chmod o-w it"
        }
        guard owner == 0 || owner == user else {
            return "this \(what) belongs to user \(owner), who can change it: expected root or user \(user); chown it"
        }
        if mode & (S_IWGRP | S_IWOTH) != 0 { return "other users can change this \(what); chmod \(secrecy.mode) it" }
        guard secrecy == .secret else { return nil }
        // Root hands a file to the daemon by its group: there is no other way without an access list.
        let isHandedOver = isCredential || (owner == 0 && user != 0)
        let forbidden = S_IRWXO | (isHandedOver ? 0 : S_IRWXG)
        return mode & forbidden == 0 ? nil : "other users can read this \(what); chmod \(secrecy.mode) it"
    }

    /// The fault if everybody could replace the file in its folder; nil if there is none.
    private static func folderProblem(_ path: String, _ what: String) -> String? {
        var status = stat()
        guard stat(URL(filePath: path).deletingLastPathComponent().path, &status) == 0,
            status.st_mode & S_IWOTH != 0, status.st_mode & S_ISVTX == 0
        else { return nil }
        return "everybody can put another file in the place of this \(what); chmod o-w its directory"
    }

    /// Reads up to the limit and one byte more; nil if reading fails.
    private static func contents(_ descriptor: Int32, limit: Int) -> Data? {
        var bytes = [UInt8](repeating: 0, count: min(limit + 1, 65_536))
        var data = Data()
        while data.count <= limit {
            let count = Foundation.read(descriptor, &bytes, bytes.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            data.append(contentsOf: bytes[..<count])
        }
        return data
    }
}

extension GuardedFile.Secrecy {
    fileprivate var mode: String { self == .secret ? "600" : "go-w" }
}

extension FileProblem {
    fileprivate init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
