package import Foundation

/// An external program that failed, with its output.
package struct ProgramError: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// Runs a program to its end and returns what it printed.
@discardableResult
package func output(of program: String, _ arguments: [String]) throws -> Data {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let (out, complaints) = (Pipe(), FileManager.default.temporaryDirectory.appending(path: "\(UUID()).err"))
    try Data().write(to: complaints)
    defer { try? FileManager.default.removeItem(at: complaints) }
    process.standardOutput = out
    process.standardError = try FileHandle(forWritingTo: complaints)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = try out.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        let said = (try? String(contentsOf: complaints, encoding: .utf8)) ?? ""
        throw ProgramError(description: "\(program) \(arguments.joined(separator: " ")): \(said)")
    }
    return data
}
