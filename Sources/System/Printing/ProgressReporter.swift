/// Takes what long work tells a person; the program decides how it is shown.
///
/// Lines are plain text without an end of line. Both closures may be called on any thread.
package struct ProgressReporter: Sendable {
    /// Shows how far the work is, in the place of the line before; an empty line removes it.
    package let progress: @Sendable (String) -> Void
    /// Shows a warning that stays.
    package let warn: @Sendable (String) -> Void

    package init(
        progress: @escaping @Sendable (String) -> Void, warn: @escaping @Sendable (String) -> Void
    ) {
        (self.progress, self.warn) = (progress, warn)
    }

    /// Removes the line that shows progress.
    package func clear() { progress("") }
}
