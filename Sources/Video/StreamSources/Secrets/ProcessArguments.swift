import CPlatform
import Foundation

/// The process's arguments as bytes: they need not be UTF-8, and other users see them in the list of processes.
package enum ProcessArguments {
    /// The original arguments; Swift's have U+FFFD in place of bytes that are not UTF-8.
    package static let bytes: [[UInt8]] = {
        (0..<Int(CommandLine.argc)).compactMap { index in
            CommandLine.unsafeArgv[index].map { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
                .map { $0.map(UInt8.init(bitPattern:)) }
        }
    }()

    /// Overwrites secrets in the arguments, which the list of processes shows; call it first.
    package static func hideSecrets() {
        for (index, argument) in bytes.enumerated() {
            let text = argument.map { CChar(bitPattern: $0) } + [0]
            for find in Redaction.finds(in: argument) {
                _ = ww_hide_argument(Int32(index), text, UInt(find.secret.lowerBound), UInt(find.secret.count))
            }
        }
    }

    /// The path that a text names, with a NUL; for an argument that is not UTF-8, its original bytes.
    package static func path(_ text: String) -> [CChar] {
        (unreadable[text] ?? Array(text.utf8)).map { CChar(bitPattern: $0) } + [0]
    }

    /// The arguments, and values after an option's `=`, that are not UTF-8, by their text in Swift.
    ///
    /// Two with the same text cannot be distinguished, so neither is listed.
    private static let unreadable: [String: [UInt8]] = named(bytes)

    static func named(_ arguments: [[UInt8]]) -> [String: [UInt8]] {
        let values = arguments.flatMap { argument in
            [argument] + argument.split(separator: UInt8(ascii: "="), maxSplits: 1).dropFirst().map { Array($0) }
        }.filter { String(validating: $0, as: UTF8.self) == nil }
        let groups = Dictionary(grouping: Set(values)) { String(decoding: $0, as: UTF8.self) }
        return groups.compactMapValues { $0.count == 1 ? $0[0] : nil }
    }
}
