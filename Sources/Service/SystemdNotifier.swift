import Foundation

/// Reports the daemon's state to systemd with datagrams to the socket in `NOTIFY_SOCKET`; see sd_notify(3).
///
/// Without such a socket nothing is sent. Failures are ignored: systemd acts on missing messages itself.
package struct SystemdNotifier: Sendable {
    /// The path of systemd's socket, or an abstract name that begins with "@"; nil if systemd did not start the daemon.
    private let socket: String?
    /// The interval in which systemd expects a watchdog message; nil if it expects none.
    package let watchdog: Duration?

    package init(
        environment: [String: String] = ProcessInfo.processInfo.environment, process: Int32 = getpid()
    ) {
        let name = environment["NOTIFY_SOCKET"] ?? ""
        let isSocket = (name.hasPrefix("/") || name.hasPrefix("@")) && name.utf8.count > 1
        socket = isSocket ? name : nil
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// Tells systemd that the daemon is ready, after its start or a reload.
    package func ready() { send("READY=1") }

    /// Sets the status line that `systemctl status` shows.
    package func status(_ text: String) {
        send("STATUS=" + text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }

    /// Tells systemd that a reload begins; `ready` ends it.
    package func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        send("RELOADING=1\nMONOTONIC_USEC=\(Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)")
    }

    /// Tells systemd that the daemon is stopping.
    package func stopping() { send("STOPPING=1") }

    /// Tells systemd's watchdog that the daemon still works.
    package func alive() { send("WATCHDOG=1") }

    private func send(_ message: String) {
        guard let name = socket else { return }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // If PID 1 is busy, wait for at most a second, so that the daemon does not stop working.
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(name.utf8)
        let isAbstract = path.first == UInt8(ascii: "@")
        if isAbstract { path[0] = 0 }
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        // The length given determines an abstract name; a path ends with a zero byte.
        let header = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        let length = socklen_t(header + path.count + (isAbstract ? 0 : 1))
        let bytes = Array(message.utf8)
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
