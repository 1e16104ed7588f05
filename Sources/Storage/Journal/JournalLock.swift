import CPlatform
import Foundation
import Synchronization

/// The lock that reserves a journal for one process: an `flock` of the database's file itself.
///
/// It applies under every name of the file, and the kernel releases it however the process ends. It is separate from
/// SQLite's locks, so another program may read the file meanwhile, or copy it with `.backup`.
final class JournalLock: Sendable {
    private struct FileID: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: stat) { (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino)) }
    }

    /// The journals that this process has locked, with one descriptor each and the number of objects that share it.
    ///
    /// The descriptor is shared because closing another descriptor of the same file would release SQLite's locks.
    private static let held = Mutex<[FileID: (descriptor: Int32, users: Int)]>([:])

    private let file: FileID
    private let descriptor: Int32

    private init(_ file: FileID, _ descriptor: Int32) {
        self.file = file
        self.descriptor = descriptor
    }

    deinit {
        Self.held.withLock { held in
            guard let entry = held[file] else { return }
            held[file] = entry.users > 1 ? (entry.descriptor, entry.users - 1) : nil
            if entry.users == 1 { close(entry.descriptor) }
        }
    }

    /// Locks the journal's file without waiting, and creates it if it is missing; throws if another process holds it.
    static func take(_ path: String) throws(JournalError) -> JournalLock {
        // The file may be renamed between opening and locking it.
        for _ in 0..<16 { if let lock = try attempt(path) { return lock } }
        throw JournalError(description: "\(path): the journal cannot be locked: the file is replaced again and again")
    }

    private static func attempt(_ path: String) throws(JournalError) -> JournalLock? {
        let result: Result<JournalLock?, JournalError> = held.withLock { held in
            var status = stat()
            if stat(path, &status) == 0, let entry = held[FileID(status)] {
                held[FileID(status)] = (entry.descriptor, entry.users + 1)
                return .success(JournalLock(FileID(status), entry.descriptor))
            }
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o600)
            guard descriptor >= 0 else { return .failure(FileAccess.refusal(path, errno)) }
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                close(descriptor)
                return .failure(FileAccess.notAFile(path))
            }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                let number = errno
                close(descriptor)
                return .failure(number == EWOULDBLOCK ? inUse(path, status) : FileAccess.refusal(path, number))
            }
            var named = stat()
            guard stat(path, &named) == 0, FileID(named) == FileID(status) else {
                close(descriptor)
                return .success(nil)
            }
            held[FileID(status)] = (descriptor, 1)
            return .success(JournalLock(FileID(status), descriptor))
        }
        return try result.get()
    }

    private static func inUse(_ path: String, _ status: stat) -> JournalError {
        let owner = holder(of: status).map { "process \($0)" } ?? "another process"
        return JournalError(
            description: "\(path): the journal is in use by \(owner); stop it, or give this one another journal",
            isInUse: true)
    }

    /// Returns the id of the process that holds the lock, from `/proc/locks`; nil if it is not found.
    private static func holder(of status: stat) -> Int? {
        let list = try? String(contentsOfFile: "/proc/locks", encoding: .utf8)
        return list.flatMap { KernelLocks($0).holder(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)) }
    }

    /// Returns the first `count` bytes of the journal's file; fewer if the file is shorter.
    func head(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let found = pread(descriptor, &bytes, count, 0)
        return Array(bytes.prefix(max(0, found)))
    }

    /// The inode number and creation time of the journal's file as a text, which a copy of the file does not share.
    var birth: String {
        var birth = ww_birth()
        guard ww_file_birth(descriptor, &birth) == 0 else { return "\(file.inode)" }
        return "\(file.inode).\(birth.seconds).\(birth.nanoseconds)"
    }
}

/// The locks of files by `flock` that the kernel lists in `/proc/locks`.
///
/// A line of that file is like `1: FLOCK  ADVISORY  WRITE 1234 08:02:5678 0 EOF`, with the device in base 16.
package struct KernelLocks {
    private let held: [(process: Int, place: Substring)]

    package init(_ list: String) {
        held = list.split(separator: "\n").compactMap { line -> (process: Int, place: Substring)? in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 5, fields[1] == "FLOCK", let process = Int(fields[4]), process > 0 else { return nil }
            return (process, fields[5])
        }
    }

    /// Returns the id of the process that holds the lock of a file; nil if it is not known for certain.
    ///
    /// `device` is that of `stat`. File systems without a device of their own, such as Btrfs and overlays, may have
    /// another number there than in the list. Then the inode decides, if only one lock has it.
    package func holder(device: UInt64, inode: UInt64) -> Int? {
        // The layout of the C library's `gnu_dev_major` and `gnu_dev_minor`.
        let major = device >> 8 & 0xFFF | device >> 32 & 0xFFFF_F000
        let minor = device & 0xFF | device >> 12 & 0xFFFF_FF00
        func digits(_ number: UInt64) -> String {
            let digits = String(number, radix: 16)
            return digits.count < 2 ? "0" + digits : digits
        }
        let place = "\(digits(major)):\(digits(minor)):\(inode)"
        if let found = held.first(where: { $0.place == place }) { return found.process }
        let others = held.filter {
            $0.place.hasSuffix(":\(inode)") && (major == 0 || $0.place.hasPrefix("00:"))
        }
        return others.count == 1 ? others[0].process : nil
    }
}

/// Checks whether a journal's files can be written, and makes error messages that say how to mend it.
enum FileAccess {
    /// Throws if one of the journal's files or directories cannot be written, as after a restore by another user.
    static func check(_ path: String) throws(JournalError) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        for part in [folder, path + "-wal", path + "-shm", path + "-last", path + ".d", path + ".d/snapshots"] {
            var status = stat()
            guard stat(part, &status) == 0, faccessat(AT_FDCWD, part, W_OK, AT_EACCESS) != 0 else { continue }
            let number = errno
            // This user's own `-last` file is not reported here: if it cannot be read, it is later moved aside.
            if part.hasSuffix("-last"), status.st_uid == geteuid() { continue }
            throw refusal(path, number, about: part)
        }
    }

    static func notAFile(_ path: String) -> JournalError {
        JournalError(description: "\(path): the journal cannot be opened: expected a file, found something else")
    }

    /// Returns the error for a file of the journal that cannot be opened; `number` is the system's error number.
    ///
    /// For missing permissions, the message has the command that gives the file to this user.
    static func refusal(_ path: String, _ number: Int32, about part: String? = nil) -> JournalError {
        let part = part ?? path
        let start = "\(path): the journal cannot be opened: "
        guard number == EACCES || number == EPERM else {
            return JournalError(description: start + "\(part): \(String(cString: strerror(number)))")
        }
        let (user, group) = (geteuid(), getegid())
        var status = stat()
        guard stat(part, &status) == 0 else {
            let folder = URL(filePath: part).deletingLastPathComponent().path
            let mending = "to give it to this user: chown \(user):\(group) \(folder)"
            return JournalError(description: start + "\(folder) cannot be written by user \(user); \(mending)")
        }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let all = ["", "-wal", "-shm", "-last", ".d"].map { path + $0 }.filter { access($0, F_OK) == 0 }
        let named = isFolder ? part : all.joined(separator: " ")
        let mending = "to give it to this user: chown -R \(user):\(group) \(named)"
        return JournalError(
            description: start
                + "\(part) belongs to user \(status.st_uid) and cannot be written by user \(user); \(mending)")
    }
}
