package import Evaluation
package import Printing

extension ProgressReporter {
    /// Prints a warning for each missing video of a data set, and then their number.
    package func warn(missingOf set: RetrievalSet) {
        for item in set.missing { warn("missing: \(item.video): \(item.why)") }
        if !set.missing.isEmpty { warn("\(set.missing.count) videos are missing; their captions are left out") }
    }

    /// Warns that `cut` of `all` captions are longer than the model reads; prints nothing if `cut` is 0.
    package func warn(cutCaptions cut: Int, of all: Int) {
        guard cut > 0 else { return }
        warn("\(cut) of \(all) captions are longer than the model reads; their ends are ignored")
    }
}
