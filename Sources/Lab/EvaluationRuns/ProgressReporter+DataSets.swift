package import Evaluation
package import Printing

extension ProgressReporter {
    /// Lists and counts a set's missing videos.
    package func warn(missingOf set: RetrievalSet) {
        for item in set.missing { warn("missing: \(item.video): \(item.why)") }
        if !set.missing.isEmpty { warn("\(set.missing.count) videos are missing; their captions are left out") }
    }

    /// Warns of captions that are longer than the model reads; prints nothing if there are none.
    package func warn(cutCaptions cut: Int, of all: Int) {
        guard cut > 0 else { return }
        warn("\(cut) of \(all) captions are longer than the model reads; their ends are ignored")
    }
}
