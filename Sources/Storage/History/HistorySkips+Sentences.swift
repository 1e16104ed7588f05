extension HistorySkips {
    /// Sentences about what was left out: the first problems by name, and the number of further ones.
    package var sentences: [String] {
        let all = counts.values.reduce(0, +)
        return named.map(\.description) + (all > named.count ? ["\(all - named.count) more parts"] : [])
    }
}
