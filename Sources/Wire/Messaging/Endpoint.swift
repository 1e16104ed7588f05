import CZeroMQ
import Foundation
import SystemSupport

/// The error of a socket that cannot be used, or of a reply that did not come; its description names the endpoint.
package struct MessagingError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// True if the daemon runs but refuses this client.
    package let isDenied: Bool

    package init(_ description: String, isDenied: Bool = false) {
        self.description = description
        self.isDenied = isDenied
    }
}

/// Checks the endpoints of ZeroMQ sockets: `ipc:`, `inproc:` or TCP.
package enum Endpoint {
    /// Throws if an endpoint is malformed, or is TCP beyond loopback on a socket without CURVE (`isGuarded` is false).
    package static func check(_ endpoint: String, isGuarded: Bool = false) throws(MessagingError) {
        if endpoint.hasPrefix("inproc://") { return }
        if endpoint.hasPrefix("ipc://") {
            // An abstract socket (`@`) has no file whose mode could keep other users out, and for `*` ZeroMQ makes up a
            // name.
            guard let first = endpoint.dropFirst(6).first, first != "@", first != "*" else {
                throw MessagingError("\(endpoint): a path is expected after ipc://")
            }
            return
        }
        guard endpoint.hasPrefix("tcp://") else {
            throw MessagingError("\(endpoint): an endpoint begins with ipc:// or tcp://")
        }
        let address = endpoint.dropFirst(6)
        guard let colon = address.lastIndex(of: ":"), isPort(address[address.index(after: colon)...]) else {
            throw MessagingError("\(endpoint): expected tcp://ADDRESS:PORT")
        }
        guard isGuarded || isLoopback(address[..<colon]) else {
            throw MessagingError(
                "\(endpoint): binding beyond loopback is refused without CURVE, since it would let anybody in; "
                    + "use 127.0.0.1 or ipc://, or give \"curve\" a key and clients")
        }
    }

    /// Returns true for the number of a port, and for `*`, which means any free port.
    private static func isPort(_ text: Substring) -> Bool {
        text == "*" || (text.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt16(text) != nil)
    }

    /// Returns true if a host is in 127.0.0.0/8, is ::1 or `localhost`, or is the name of a loopback interface.
    static func isLoopback(_ host: Substring) -> Bool {
        var text = host
        if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
        text = text.prefix { $0 != "%" }
        var four = in_addr()
        if inet_pton(AF_INET, String(text), &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        if inet_pton(AF_INET6, String(text), &six) == 1 {
            let bytes = withUnsafeBytes(of: six) { Array($0) }
            let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127]
            return bytes == [UInt8](repeating: 0, count: 15) + [1] || bytes.starts(with: mapped)
        }
        return host == "localhost" || isLoopbackInterface(String(host))
    }

    private static func isLoopbackInterface(_ name: String) -> Bool {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return false }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next?.pointee {
            if String(cString: entry.ifa_name) == name { return entry.ifa_flags & UInt32(IFF_LOOPBACK) != 0 }
            next = entry.ifa_next
        }
        return false
    }

    /// Throws if another user may have put a socket at this endpoint, and could receive what is meant for the daemon.
    static func verify(_ endpoint: String) throws(MessagingError) {
        guard endpoint.hasPrefix("ipc://"), let problem = PathTrust.problem(String(endpoint.dropFirst(6))) else {
            return
        }
        throw MessagingError(
            "\(endpoint) may be another user's: \(problem); run this as that user, or name another socket",
            isDenied: true)
    }

    /// Prepares the path of an `ipc:` socket for binding, and returns the lock that reserves the path for this process.
    ///
    /// It creates a missing directory for this user alone, and removes the socket file of a daemon that has ended. It
    /// throws if others may write to the directory, or if another process uses the path. It returns nil for endpoints
    /// other than `ipc:`.
    static func prepare(_ endpoint: String, isGuarded: Bool) throws(MessagingError) -> SocketLock? {
        try check(endpoint, isGuarded: isGuarded)
        guard endpoint.hasPrefix("ipc://") else { return nil }
        let path = String(endpoint.dropFirst(6))
        guard path.utf8.count < 108 else {
            throw MessagingError(
                "\(endpoint): the path of a socket has at most 107 bytes, this one has \(path.utf8.count)")
        }
        do {
            try PrivateFolder.make(URL(filePath: path).deletingLastPathComponent().path)
        } catch {
            throw MessagingError("\(endpoint): \(error); name another socket, or set XDG_RUNTIME_DIR")
        }
        let lock = try SocketLock.take(endpoint)
        // ZeroMQ would replace any file, even the socket of a running daemon, so check first whether a process listens.
        var information = stat()
        guard lstat(path, &information) == 0 else { return lock }
        guard information.st_mode & S_IFMT == S_IFSOCK else {
            throw MessagingError("\(endpoint): there is a file of that name, and it is no socket")
        }
        guard !isListening(path) else { throw MessagingError("\(endpoint) is in use by another process") }
        unlink(path)
        return lock
    }

    /// Returns true if a process accepts connections at a socket's path; an ended daemon may leave only the file.
    static func isListening(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
