extension Configuration {
    /// Returns the keys that differ from the old configuration and cannot change while the daemon runs.
    ///
    /// Only `streams`, `queries`, `notify` and `batch` can change. Every other key must be in the list below.
    package func fixedKeys(changedFrom old: Configuration) -> [String] {
        let same: [(key: String, isSame: Bool)] = [
            ("model", model == old.model), ("precision", precision == old.precision), ("head", head == old.head),
            ("frames", frames == old.frames), ("threshold", threshold == old.threshold),
            ("prompts", prompts == old.prompts), ("rerank", rerank == old.rerank), ("journal", journal == old.journal),
            ("publish", publish == old.publish), ("control", control == old.control),
            ("calibration", calibration == old.calibration), ("retention", retention == old.retention),
            ("history", history == old.history), ("clips", clips == old.clips),
            ("pipelines", pipelines == old.pipelines), ("plugins", plugins == old.plugins),
            ("log", log == old.log), ("http", http == old.http), ("curve", curve == old.curve),
            ("limits", limits == old.limits), ("sources", sources == old.sources),
            ("credentials", credentials == old.credentials), ("fleet", fleet == old.fleet),
        ]
        let changed = same.filter { !$0.isSame }.map(\.key)
        guard changed.isEmpty else { return changed }
        var rest = self
        (rest.streams, rest.queries, rest.notify) = (old.streams, old.queries, old.notify)
        (rest.batchSize, rest.batchDelay) = (old.batchSize, old.batchDelay)
        return rest == old ? [] : ["a key other than streams, queries, notify and batch"]
    }
}
