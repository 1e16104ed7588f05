import Foundation
import Synchronization
import SystemSupport

/// The description that a head plugin gives of itself, or the reason why the plugin cannot be used.
package struct HeadInspection: Codable, Sendable, Equatable {
    package let name: String
    package let path: String
    package var version = ""
    package var description = ""
    /// The kind of the head: "pools", "pairs" or "pools, pairs"; empty if the plugin cannot be used.
    package var kind = ""
    package var problem: String?
    /// The path of the plugin file that is loaded instead of this one; nil if this one is loaded.
    package var shadowedBy: String?

    /// Opens the plugin in this process; the plugin may crash it, so only child processes call this.
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

/// Inspects head plugins in child processes, so that a crash or a hang of a plugin ends only the child.
package struct HeadInspector: Sendable {
    /// The program that runs as the child process; `arguments` come before the plugin's path on its command line.
    private let program: String
    private let arguments: [String]
    private let finder: HeadFinder
    private let seconds: Double

    /// Makes an inspector that runs `program head probe PATH`; the default program is the running one.
    ///
    /// A child process that takes longer than `seconds` is killed.
    package init(finder: HeadFinder, program: String = "/proc/self/exe", seconds: Double = 10) {
        self.finder = finder
        self.program = program == "/proc/self/exe" ? Self.thisProgram : program
        self.seconds = seconds
        arguments = ["head", "probe"]
    }

    private static var thisProgram: String {
        ProcFile.executable ?? "/proc/self/exe"
    }

    /// Runs a child process that opens the plugin; returns its description, or how the child process failed.
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
        // The child process need not wait for its answer to be read. If the pipe stays small, a long answer is late.
        _ = fcntl(answer.fileHandleForReading.fileDescriptor, Self.setPipeSize, Int32(Self.mostBytes))
        process.standardError = FileHandle.nullDevice
        let end = await Self.end(of: process, within: seconds)
        func broken(_ what: String) -> HeadInspection {
            HeadInspection(file, problem: "\(HeadError(plugin: file.path, reason: .inspection(what)))")
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

    /// Records whether a child process was killed because it took too long.
    private final class TimeOut: Sendable {
        let isOver = Atomic(false)
    }

    /// Runs a process until it ends, and returns how it ended; kills it after `seconds`.
    private static func end(of process: Process, within seconds: Double) async -> End {
        let timeOut = TimeOut()
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
                guard process?.isRunning == true else { return }
                timeOut.isOver.store(true, ordering: .releasing)
                kill(child, SIGKILL)
            }
        }
        if case .signal(SIGKILL) = ended, timeOut.isOver.load(ordering: .acquiring) { return .ranOutOfTime }
        return ended
    }

    /// The greatest number of bytes of a child process's answer.
    private static let mostBytes = 1 << 20
    /// The command `F_SETPIPE_SZ` of `fcntl`, which changes how many bytes a pipe holds (Linux's `fcntl.h`).
    private static let setPipeSize: Int32 = 1031

    /// Returns the bytes that the pipe holds now, at most `mostBytes`, without waiting for its end.
    ///
    /// Waiting could block for ever if a plugin started a process that keeps the pipe open.
    private static func available(_ descriptor: Int32) -> Data {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var answer = Data()
        while answer.count < mostBytes {
            let count = read(descriptor, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            answer.append(contentsOf: bytes.prefix(count))
        }
        return answer
    }
}
