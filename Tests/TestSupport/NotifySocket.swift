import Foundation

/// Systemd's side of `NOTIFY_SOCKET`: receives datagrams in order.
package final class NotifySocket: Sendable {
    /// The value of `NOTIFY_SOCKET` for the daemon.
    package let name: String
    private let descriptor: Int32

    /// Binds the socket; with `abstract`, its name is in no file system.
    package init(abstract: Bool = false) throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "n-\(UUID().uuidString.prefix(8))").path
        name = abstract ? "@\(place)" : place
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = abstract ? [0] + Array(place.utf8) : Array(place.utf8) + [0]
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.prefix($0.count)) }
        let header = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(header + path.count))
            }
        }
        guard descriptor >= 0, bound == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unlink(name) }
    }

    /// Returns the next message; nil if none comes in time.
    package func next(within limit: Duration = .seconds(60)) async -> String? {
        try? await blocking { [descriptor] in
            var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&item, 1, Int32(limit / .milliseconds(1))) > 0 else { throw CocoaError(.fileReadUnknown) }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
    }

    /// Reads messages until one begins with `prefix`; returns false if none comes for a minute.
    package func reaches(_ prefix: String) async -> Bool {
        while let message = await next() {
            if message.hasPrefix(prefix) { return true }
        }
        return false
    }
}
