extension HistorySkips {
    /// What was left out, in words: the first by name, and how many more.
    package var sentences: [String] {
        let all = counts.values.reduce(0, +)
        return named.map(\.description) + (all > named.count ? ["\(all - named.count) more parts"] : [])
    }
}
