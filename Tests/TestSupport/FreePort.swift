package import Foundation
import Synchronization

/// The ports that were given, so that none is given twice while the one who asked for it has not bound it yet.
///
/// They are even, and below those that the kernel gives to connections. Each process that runs beside others has 2,000
/// of its own, by its number.
private let given = Mutex(0)
private let first = 12_000 + Int(getpid() % 10) * 2_000

/// Returns an even port of loopback that is not in use, and that no earlier call returned.
///
/// The next port is given to nobody, so that a receiver of RTP may use it for RTCP.
package func freePort(_ type: __socket_type = SOCK_STREAM) throws -> UInt16 {
    for _ in 0..<1_000 {
        let port = given.withLock { count in
            defer { count = (count + 2) % 2_000 }
            return UInt16(first + count)
        }
        if isFree(port, type) { return port }
    }
    throw ProgramError(description: "no port of loopback is free from \(first) on: \(String(cString: strerror(errno)))")
}

private func isFree(_ port: UInt16, _ type: __socket_type) -> Bool {
    let socket = socket(AF_INET, Int32(type.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    address.sin_port = port.bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
