package import Foundation

/// Returns a loopback port that is not in use.
package func freePort(_ type: __socket_type = SOCK_STREAM) throws -> UInt16 {
    let socket = socket(AF_INET, Int32(type.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
        }
    }
    guard isBound else {
        throw ProgramError(description: "no port of loopback is free: \(String(cString: strerror(errno)))")
    }
    return UInt16(bigEndian: address.sin_port)
}
