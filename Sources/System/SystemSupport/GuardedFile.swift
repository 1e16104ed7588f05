package import Foundation

/// The error of a file that is not used: because it is missing, other users could read or change it, or it is invalid.
///
/// The description says how to mend it, but not the path, which the caller adds.
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

/// Reads small files on which the daemon's security depends, and refuses those that other users could read or change.
///
/// It opens the file, checks the open descriptor, and then reads from it. So the file that is read is the one that was
/// checked, even if the path is replaced in the meantime.
package enum GuardedFile {
    /// The protection that a file needs.
    package enum Secrecy: Sendable, Equatable {
        /// For keys, tokens and passwords: no other user may read or change the file.
        case secret
        /// For lists of permissions: everybody may read the file, but no other user may change it.
        case trusted
        /// The file's group may change it, but not everybody.
        case shared
    }

    /// Returns the bytes of a file of at most `limit` bytes; throws if other users could read or change it.
    ///
    /// `what` names the file's purpose in error messages, such as "token". `credentials` is systemd's directory of
    /// credentials, in which a file may look readable by its group although it is not. `user` is the id of the user
    /// that reads the file.
    package static func read(
        _ path: String, _ what: String, _ secrecy: Secrecy, limit: Int,
        credentials: String? = Credential.directory, user: uid_t = geteuid()
    ) throws(FileProblem) -> Data {
        // O_NONBLOCK: opening a FIFO would otherwise wait for a writer.
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

    /// Returns an error message if a file's owner or mode is not safe; nil if both are.
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
        // A file of root may be readable by its group: without access lists, this is the only way to give it to the
        // daemon.
        let isHandedOver = isCredential || (owner == 0 && user != 0)
        let forbidden = S_IRWXO | (isHandedOver ? 0 : S_IRWXG)
        return mode & forbidden == 0 ? nil : "other users can read this \(what); chmod \(secrecy.mode) it"
    }

    /// Returns an error message if everybody could replace the file in its directory; nil if not.
    private static func folderProblem(_ path: String, _ what: String) -> String? {
        var status = stat()
        guard stat(URL(filePath: path).deletingLastPathComponent().path, &status) == 0,
            status.st_mode & S_IWOTH != 0, status.st_mode & S_ISVTX == 0
        else { return nil }
        return "everybody can put another file in the place of this \(what); chmod o-w its directory"
    }

    /// Reads at most one byte more than `limit`, which shows that a file is too large; returns nil if reading fails.
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
