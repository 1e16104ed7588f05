/// Two closures that receive the progress and the warnings of long work; the program decides how to show them.
///
/// Both get plain text without a line end, and may be called on any thread.
package struct ProgressReporter: Sendable {
    /// Shows a line of progress, which replaces the previous one; an empty line removes it.
    package let progress: @Sendable (String) -> Void
    /// Shows a warning on a line of its own, which later progress does not replace.
    package let warn: @Sendable (String) -> Void

    package init(
        progress: @escaping @Sendable (String) -> Void, warn: @escaping @Sendable (String) -> Void
    ) {
        (self.progress, self.warn) = (progress, warn)
    }

    /// Removes the line of progress from the screen.
    package func clear() { progress("") }
}
