import Foundation

/// Reads the kernel's files about processes and the system, as in proc(5).
package enum ProcFile {
    /// Returns the text of `/proc/NAME`; empty if it cannot be read.
    package static func text(_ name: String) -> String {
        (try? String(contentsOfFile: "/proc/\(name)", encoding: .utf8)) ?? ""
    }

    /// Returns the names in the directory `/proc/NAME`; empty if it cannot be read.
    package static func entries(_ name: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(name)")) ?? []
    }

    /// The path of the executable that this process runs; nil if it is unknown.
    package static var executable: String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    /// The size of a memory page in bytes.
    package static var pageSize: Double { Double(sysconf(Int32(_SC_PAGESIZE))) }

    /// The fields of `/proc/PROCESS/stat`, numbered as in proc(5).
    package struct Stat {
        private let fields: [Double]

        /// Reads `/proc/PROCESS/stat`; `process` is a process's number or `self`.
        package init(_ process: String = "self") {
            let text = ProcFile.text("\(process)/stat")
            // The second field, the program's name in parentheses, may contain spaces.
            fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ").dropFirst()
                .map { Double($0) ?? 0 }
        }

        /// The value of the field with this number, which must be at least 3; 0 if the file has no such field.
        package subscript(number: Int) -> Double { fields.count > number - 3 ? fields[number - 3] : 0 }

        /// Returns a field that counts clock ticks, converted to seconds.
        package func seconds(_ number: Int) -> Double { self[number] / Double(sysconf(Int32(_SC_CLK_TCK))) }

        /// The CPU time that the process has used so far, in seconds: user and system time.
        package var processorSeconds: Double { seconds(14) + seconds(15) }
    }
}
