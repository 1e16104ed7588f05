import CPlatform
import Foundation

/// The process's arguments, as bytes: what they name need not be UTF-8, and others see them in a list of processes.
package enum ProcessArguments {
    /// Arguments as they came; Swift's own have U+FFFD in place of bytes that are no UTF-8.
    package static let bytes: [[UInt8]] = {
        (0..<Int(CommandLine.argc)).compactMap { index in
            CommandLine.unsafeArgv[index].map { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
                .map { $0.map(UInt8.init(bitPattern:)) }
        }
    }()

    /// Overwrites the secrets in the arguments, which a list of processes shows; call first.
    package static func hideSecrets() {
        for (index, argument) in bytes.enumerated() {
            let text = argument.map { CChar(bitPattern: $0) } + [0]
            for find in Redaction.finds(in: argument) {
                _ = ww_hide_argument(Int32(index), text, UInt(find.secret.lowerBound), UInt(find.secret.count))
            }
        }
    }

    /// The path that a text names, by its bytes and a NUL: an argument that is no UTF-8 is meant as it came.
    package static func path(_ text: String) -> [CChar] {
        (unreadable[text] ?? Array(text.utf8)).map { CChar(bitPattern: $0) } + [0]
    }

    /// Arguments, and values behind an option's `=`, that are no UTF-8, by the texts that they are shown as.
    ///
    /// Two that are shown alike are not told apart: neither is there.
    private static let unreadable: [String: [UInt8]] = named(bytes)

    static func named(_ arguments: [[UInt8]]) -> [String: [UInt8]] {
        let values = arguments.flatMap { argument in
            [argument] + argument.split(separator: UInt8(ascii: "="), maxSplits: 1).dropFirst().map { Array($0) }
        }.filter { String(validating: $0, as: UTF8.self) == nil }
        let groups = Dictionary(grouping: Set(values)) { String(decoding: $0, as: UTF8.self) }
        return groups.compactMapValues { $0.count == 1 ? $0[0] : nil }
    }
}
