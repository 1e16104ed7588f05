import Foundation
import SystemSupport

/// What a plugin file says about itself, or the reason why it cannot be read.
package struct HeadInspection: Codable, Sendable, Equatable {
    package let name: String
    package let path: String
    package var version = ""
    package var description = ""
    /// The head's kind: "pools", "pairs" or both.
    package var kind = ""
    package var problem: String?
    /// The file that is loaded instead of this one; nil if this one is.
    package var shadowedBy: String?

    /// Opens the file in this process; the plugin may crash it, so only a child process uses this.
    package init(opening file: HeadFile, in finder: HeadFinder) {
        self.init(file, problem: nil)
        do {
            let library = try finder.open(file)
            version = library.version
            description = library.description
            kind = [library.pools ? "pools" : nil, library.pairs ? "pairs" : nil].compactMap { $0 }
                .joined(separator: ", ")
        } catch {
            problem = "\(error)"
        }
    }

    init(_ file: HeadFile, problem: String?) {
        name = file.name
        path = file.path
        shadowedBy = file.shadowedBy
        self.problem = problem
    }
}

/// Inspects plugin files in child processes, so that a crash or a hang of a plugin ends only the child.
package struct HeadInspector: Sendable {
    /// The program that inspects a plugin, and its arguments before the plugin's path.
    private let program: String
    private let arguments: [String]
    private let finder: HeadFinder
    private let seconds: Double

    /// Uses `program` with the arguments `head probe`; the default is the running program.
    package init(finder: HeadFinder, program: String = "/proc/self/exe", seconds: Double = 10) {
        self.finder = finder
        self.program = program == "/proc/self/exe" ? Self.thisProgram : program
        self.seconds = seconds
        arguments = ["head", "probe"]
    }

    private static var thisProgram: String {
        ProcFile.executable ?? "/proc/self/exe"
    }

    /// Returns the file's own description, or how the child process ended.
    package func inspect(_ file: HeadFile) async -> HeadInspection {
        let answer = Pipe()
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments + [file.path]
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["WATCHWORD_PLUGIN_PATH": finder.directories.joined(separator: ":")]
        ) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = answer
        process.standardError = FileHandle.nullDevice
        let end = await Self.end(of: process, within: seconds)
        func broken(_ what: String) -> HeadInspection {
            HeadInspection(file, problem: "\(HeadError(path: file.path, reason: .inspection(what)))")
        }
        switch end {
        case .failedToStart(let why): return broken("cannot be looked into: \(why)")
        case .ranOutOfTime: return broken("does not answer within \(String(format: "%g", seconds)) s")
        case .signal(let signal):
            return broken(
                "crashed with signal \(signal) (\(String(cString: strsignal(signal)))) while it was looked into")
        case .exit(let code):
            let data = Self.available(answer.fileHandleForReading.fileDescriptor)
            guard code == 0, var found = try? JSONDecoder().decode(HeadInspection.self, from: data) else {
                return broken("ended the process that looked into it, with code \(code)")
            }
            found.shadowedBy = file.shadowedBy
            return found
        }
    }

    private enum End {
        case failedToStart(String)
        case ranOutOfTime
        case signal(Int32)
        case exit(Int32)
    }

    /// Waits for the end of a process; kills it after `seconds`.
    private static func end(of process: Process, within seconds: Double) async -> End {
        let ended = await withCheckedContinuation { (continuation: CheckedContinuation<End, Never>) in
            process.terminationHandler = {
                continuation.resume(
                    returning: $0.terminationReason == .exit
                        ? .exit($0.terminationStatus) : .signal($0.terminationStatus))
            }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                return continuation.resume(returning: .failedToStart("\(error.localizedDescription)"))
            }
            let child = process.processIdentifier
            DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak process] in
                if process?.isRunning == true { kill(child, SIGKILL) }
            }
        }
        // Nobody else sends that.
        if case .signal(SIGKILL) = ended { return .ranOutOfTime }
        return ended
    }

    /// Returns the bytes that are in a pipe now; waiting for its end could block if a plugin left a process behind.
    private static func available(_ descriptor: Int32) -> Data {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return Data(bytes.prefix(max(0, count)))
    }
}
