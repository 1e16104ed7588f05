import CPlatform
import Foundation

/// The arguments of this process as bytes, since they need not be UTF-8; also hides secrets in them.
package enum ProcessArguments {
    /// The process's original arguments; in Swift's own, U+FFFD replaces bytes that are not UTF-8.
    package static let bytes: [[UInt8]] = {
        (0..<Int(CommandLine.argc)).compactMap { index in
            CommandLine.unsafeArgv[index].map { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
                .map { $0.map(UInt8.init(bitPattern:)) }
        }
    }()

    /// Overwrites secrets in this process's arguments, which other users see in the list of processes.
    ///
    /// It must be the first call of the program, since the secrets are visible until then.
    package static func hideSecrets() {
        for (index, argument) in bytes.enumerated() {
            let text = argument.map { CChar(bitPattern: $0) } + [0]
            for find in Redaction.finds(in: argument) {
                _ = ww_hide_argument(Int32(index), text, UInt(find.secret.lowerBound), UInt(find.secret.count))
            }
        }
    }

    /// Returns the bytes of the path that an argument names, with a final NUL.
    ///
    /// They are the original bytes, even if the argument was not UTF-8.
    package static func path(_ text: String) -> [CChar] {
        (unreadable[text] ?? Array(text.utf8)).map { CChar(bitPattern: $0) } + [0]
    }

    /// The original bytes of the arguments that are not UTF-8, and of such values after an option's `=`.
    ///
    /// The keys are their texts in Swift. Arguments with the same text cannot be distinguished, so none is listed.
    private static let unreadable: [String: [UInt8]] = named(bytes)

    static func named(_ arguments: [[UInt8]]) -> [String: [UInt8]] {
        let values = arguments.flatMap { argument in
            [argument] + argument.split(separator: UInt8(ascii: "="), maxSplits: 1).dropFirst().map { Array($0) }
        }.filter { String(validating: $0, as: UTF8.self) == nil }
        let groups = Dictionary(grouping: Set(values)) { String(decoding: $0, as: UTF8.self) }
        return groups.compactMapValues { $0.count == 1 ? $0[0] : nil }
    }
}
