import CPlatform

/// The process's arguments as others see them, in a list of processes.
package enum ProcessArguments {
    /// Overwrites what in them is for nobody's eyes; call first, with the arguments as they were.
    package static func hideSecrets(_ arguments: [String]) {
        for (index, argument) in arguments.enumerated() {
            for find in Redaction.finds(in: Array(argument.utf8)) {
                _ = ww_hide_argument(Int32(index), argument, UInt(find.secret.lowerBound), UInt(find.secret.count))
            }
        }
    }
}
