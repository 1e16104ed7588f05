import Foundation

/// Files in which the kernel tells of processes: proc(5).
package enum ProcFile {
    /// The text of `/proc/NAME`; empty where it cannot be read.
    package static func text(_ name: String) -> String {
        (try? String(contentsOfFile: "/proc/\(name)", encoding: .utf8)) ?? ""
    }

    /// Names in the directory `/proc/NAME`; none where it cannot be read.
    package static func entries(_ name: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(name)")) ?? []
    }

    /// The file that this process runs; nil where the system does not say.
    package static var executable: String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    /// Bytes of a page of memory.
    package static var pageSize: Double { Double(sysconf(Int32(_SC_PAGESIZE))) }

    /// `/proc/PROCESS/stat`: numbers by their place in proc(5).
    package struct Stat {
        private let fields: [Double]

        /// Reads it; `process` is a number, or `self`.
        package init(_ process: String = "self") {
            let text = ProcFile.text("\(process)/stat")
            // The second field, a name in parentheses, may hold spaces.
            fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ").dropFirst()
                .map { Double($0) ?? 0 }
        }

        /// Field `number`, from 3 on; 0 where there is none.
        package subscript(number: Int) -> Double { fields.count > number - 3 ? fields[number - 3] : 0 }

        /// A field that counts clock ticks, in seconds.
        package func seconds(_ number: Int) -> Double { self[number] / Double(sysconf(Int32(_SC_CLK_TCK))) }

        /// Processor time so far, in seconds: the program's and the kernel's for it.
        package var processorSeconds: Double { seconds(14) + seconds(15) }
    }
}
