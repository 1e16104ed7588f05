package import Foundation

/// Writes to standard output or standard error; everything that a program prints goes through this type.
package struct StandardStream: Sendable {
    package static let output = StandardStream(descriptor: STDOUT_FILENO, name: "standard output")
    package static let error = StandardStream(descriptor: STDERR_FILENO, name: "standard error")

    package let descriptor: Int32
    package let name: String

    package init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Writes all bytes, even if that takes several system calls; waits while the reader is slow.
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
                    // Another process has made the shared descriptor non-blocking: wait until it can be written.
                    var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&item, 1, -1)
                } else {
                    throw StreamError(name: name, errno: count < 0 ? errno : EIO)
                }
            }
        }
    }

    package func write(_ text: String) throws(StreamError) { try write(Data(text.utf8)) }

    /// Opens those of the file descriptors 0 to 2 that are closed on `/dev/null`, so that using them fails.
    ///
    /// Call it before any file is opened. Otherwise a journal or a socket could get one of these numbers, and printed
    /// text would be written into it.
    package static func reserve() {
        for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
            // open(2) takes the lowest free number, which is this one.
            _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}

/// The error of a standard stream that cannot be written or read.
package struct StreamError: Error, Equatable, CustomStringConvertible {
    package let name: String
    package let code: Int32
    private let verb: String

    package init(name: String, errno code: Int32, verb: String = "written") {
        self.name = name
        self.code = code
        self.verb = verb
    }

    /// True if the reader has closed the pipe, which is not reported as an error.
    package var isClosedPipe: Bool { code == EPIPE }
    package var isClosed: Bool { code == EBADF }

    package var description: String {
        "\(name) cannot be \(verb): \(isClosed ? "it is closed" : String(cString: strerror(code)))"
    }
}

/// Reads standard input.
package enum StandardInput {
    /// Waits for input and returns the available bytes, at most 64 KiB; empty data means the end of the input.
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

    /// Reads standard input to its end.
    package static func all() throws(StreamError) -> Data {
        var data = Data()
        while true {
            let more = try next()
            if more.isEmpty { return data }
            data += more
        }
    }
}
