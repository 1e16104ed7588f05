/// Receives progress and warnings of long work; the program decides how they are shown.
///
/// Lines are plain text without a line end. Both closures may be called on any thread.
package struct ProgressReporter: Sendable {
    /// Shows the progress, in place of the line before; an empty line removes it.
    package let progress: @Sendable (String) -> Void
    /// Shows a warning that stays.
    package let warn: @Sendable (String) -> Void

    package init(
        progress: @escaping @Sendable (String) -> Void, warn: @escaping @Sendable (String) -> Void
    ) {
        (self.progress, self.warn) = (progress, warn)
    }

    /// Removes the progress line.
    package func clear() { progress("") }
}
