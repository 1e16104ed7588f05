import Foundation
import SystemSupport

/// A plugin file's own description, or the reason why there is none.
package struct HeadInspection: Codable, Sendable, Equatable {
    package let name: String
    package let path: String
    package var version = ""
    package var description = ""
    /// "pools", "pairs" or both.
    package var kind = ""
    package var problem: String?
    /// The file that loads instead of this one.
    package var shadowedBy: String?

    /// Opens the file in this process: only for a process that may crash.
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

/// Looks into plugin files in child processes, so that one that crashes or hangs takes nothing else with it.
package struct HeadInspector: Sendable {
    /// The program that answers for a plugin, and the arguments that come before the plugin's path.
    private let program: String
    private let arguments: [String]
    private let finder: HeadFinder
    private let seconds: Double

    /// `watchword head probe`, in this very program if no other is given.
    package init(finder: HeadFinder, program: String = "/proc/self/exe", seconds: Double = 10) {
        self.finder = finder
        self.program = program == "/proc/self/exe" ? Self.thisProgram : program
        self.seconds = seconds
        arguments = ["head", "probe"]
    }

    private static var thisProgram: String {
        ProcFile.executable ?? "/proc/self/exe"
    }

    /// The file's own description, or the end of the process that asked it.
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

    /// Runs a process to its end; kills it if that takes too long.
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

    /// The bytes in a pipe now: its end may never come, if a plugin left a process of its own behind.
    private static func available(_ descriptor: Int32) -> Data {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return Data(bytes.prefix(max(0, count)))
    }
}
