import Foundation

/// Reads the kernel's files about processes: proc(5).
package enum ProcFile {
    /// The text of `/proc/NAME`; empty if it cannot be read.
    package static func text(_ name: String) -> String {
        (try? String(contentsOfFile: "/proc/\(name)", encoding: .utf8)) ?? ""
    }

    /// The names in the directory `/proc/NAME`; empty if it cannot be read.
    package static func entries(_ name: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(name)")) ?? []
    }

    /// The path of this process's program; nil if it is unknown.
    package static var executable: String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    /// The size of a memory page in bytes.
    package static var pageSize: Double { Double(sysconf(Int32(_SC_PAGESIZE))) }

    /// The fields of `/proc/PROCESS/stat`, numbered as in proc(5).
    package struct Stat {
        private let fields: [Double]

        /// Reads the file; `process` is a number or `self`.
        package init(_ process: String = "self") {
            let text = ProcFile.text("\(process)/stat")
            // The second field, a name in parentheses, may hold spaces.
            fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ").dropFirst()
                .map { Double($0) ?? 0 }
        }

        /// The field with a number from 3 on; 0 if it does not exist.
        package subscript(number: Int) -> Double { fields.count > number - 3 ? fields[number - 3] : 0 }

        /// A field that counts clock ticks, in seconds.
        package func seconds(_ number: Int) -> Double { self[number] / Double(sysconf(Int32(_SC_CLK_TCK))) }

        /// The processor time so far, in seconds: user and system time.
        package var processorSeconds: Double { seconds(14) + seconds(15) }
    }
}
