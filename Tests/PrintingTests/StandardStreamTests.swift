import Foundation
import Printing
import Testing

@Suite("Writing to a stream")
struct StandardStreamTests {
    @Test("a full device, a closed descriptor and a reader that has gone are told apart")
    func failures() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let stream = StandardStream(descriptor: full, name: "standard output")
        #expect(throws: StreamError(name: "standard output", errno: ENOSPC)) { try stream.write("x") }
        #expect(
            "\(StreamError(name: "standard output", errno: ENOSPC))"
                == "standard output cannot be written: No space left on device")
        #expect(throws: StreamError(name: "x", errno: EBADF)) {
            try StandardStream(descriptor: 4095, name: "x").write("x")
        }
        #expect(StreamError(name: "x", errno: EPIPE).isClosedPipe)
    }

    @Test("what does not fit into a pipe at once is written when its reader comes")
    func slowReader() async throws {
        let pipe = Pipe()
        let writing = pipe.fileHandleForWriting
        #expect(fcntl(writing.fileDescriptor, F_SETFL, O_NONBLOCK) == 0)
        let bytes = Data(repeating: 7, count: 1 << 20)
        let descriptor = writing.fileDescriptor
        Thread {
            try? StandardStream(descriptor: descriptor, name: "pipe").write(bytes)
            close(descriptor)
        }.start()
        var read = Data()
        while true {
            let more = pipe.fileHandleForReading.readData(ofLength: 1 << 16)
            if more.isEmpty { break }
            read += more
        }
        #expect(read == bytes)
    }
}
