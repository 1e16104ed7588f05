package import Foundation

/// Standard output and standard error: every byte that a program prints is written here.
package struct StandardStream: Sendable {
    package static let output = StandardStream(descriptor: STDOUT_FILENO, name: "standard output")
    package static let error = StandardStream(descriptor: STDERR_FILENO, name: "standard error")

    package let descriptor: Int32
    package let name: String

    package init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Writes all bytes; waits for a slow reader.
    package func write(_ bytes: some DataProtocol) throws(StreamError) {
        for region in bytes.regions {
            var written = 0
            while written < region.count {
                let count = region.withUnsafeBytes {
                    Foundation.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
                }
                if count > 0 {
                    written += count
                } else if count < 0, errno == EINTR {
                    continue
                } else if count < 0, errno == EAGAIN {
                    // Someone else made it so that it does not wait.
                    var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&item, 1, -1)
                } else {
                    throw StreamError(name: name, errno: count < 0 ? errno : EIO)
                }
            }
        }
    }

    package func write(_ text: String) throws(StreamError) { try write(Data(text.utf8)) }

    /// Opens descriptors 0 to 2, if they are closed, on something that can be neither read nor written.
    ///
    /// Call it before anything is opened: otherwise a journal or a socket could get one of these numbers, and printed
    /// text with it.
    package static func reserve() {
        for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
            // The lowest free number is taken, which is this one.
            _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}

/// A standard stream that cannot be written or read, and why.
package struct StreamError: Error, Equatable, CustomStringConvertible {
    package let name: String
    package let code: Int32
    private let verb: String

    package init(name: String, errno code: Int32, verb: String = "written") {
        self.name = name
        self.code = code
        self.verb = verb
    }

    /// Whether the reader has closed the pipe, which is no fault.
    package var isClosedPipe: Bool { code == EPIPE }
    package var isClosed: Bool { code == EBADF }

    package var description: String {
        "\(name) cannot be \(verb): \(isClosed ? "it is closed" : String(cString: strerror(code)))"
    }
}

/// Standard input, read piece by piece.
package enum StandardInput {
    /// Returns the available bytes, at most 64 kB; empty at the end.
    package static func next() throws(StreamError) -> Data {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(STDIN_FILENO, &bytes, bytes.count)
            if count >= 0 { return Data(bytes.prefix(count)) }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                var item = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                poll(&item, 1, -1)
            default: throw StreamError(name: "standard input", errno: errno, verb: "read")
            }
        }
    }

    /// Reads everything up to the end.
    package static func all() throws(StreamError) -> Data {
        var data = Data()
        while true {
            let more = try next()
            if more.isEmpty { return data }
            data += more
        }
    }
}
