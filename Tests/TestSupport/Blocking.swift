import Foundation

/// Runs a blocking closure on a thread of its own.
///
/// Tests share the cooperative pool with the code under test; on two cores, two blocked tests would stop it.
package func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try body() }) }.start()
    }
}

/// A program that runs beside a test, and is killed with it.
package final class Program: Sendable {
    private let process: Process
    private let output = Pipe()
    private let input = Pipe()
    private let asking = NSLock()

    package init(_ path: String, _ arguments: [String], hasInput: Bool = false) throws {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardOutput = output
        if hasInput { process.standardInput = input }
        try process.run()
        self.process = process
    }

    // A child inherits the blocked signals of a pool thread: only SIGKILL is sure to end it, and its hold on our
    // output.
    deinit { kill() }

    package func kill() { send(SIGKILL) }

    package func send(_ signal: Int32) { _ = Foundation.kill(process.processIdentifier, signal) }

    package var identifier: Int32 { process.processIdentifier }

    /// Writes a line to the program's input.
    package func say(_ line: String) { input.fileHandleForWriting.write(Data("\(line)\n".utf8)) }

    package var isRunning: Bool { process.isRunning }

    /// Returns the next line of the program's output; at the end, what is left.
    package func line() async throws -> String { try await blocking { self.nextLine() } }

    /// Returns the output's next line, or nil at the end; blocks, so only a test's own threads may call it.
    package func nextLineNow() -> String? {
        let line = nextLine()
        return line.isEmpty && !isRunning ? nil : line
    }

    /// Writes a line and returns the program's answer line; other callers wait meanwhile.
    package func ask(_ line: String) async throws -> String {
        try await blocking {
            self.asking.lock()
            defer { self.asking.unlock() }
            self.say(line)
            return self.nextLine()
        }
    }

    private func nextLine() -> String {
        var line = Data()
        while true {
            let byte = output.fileHandleForReading.readData(ofLength: 1)
            if byte.isEmpty || byte == Data("\n".utf8) { return String(decoding: line, as: UTF8.self) }
            line += byte
        }
    }

    /// Returns the program's output from here to the end.
    package func rest() async throws -> String {
        try await blocking { [output] in
            String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }
    }

    /// Asks the program to end, waits, and returns its exit code.
    package func terminate() async throws -> Int32 {
        process.terminate()
        while process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
        return process.terminationStatus
    }
}
