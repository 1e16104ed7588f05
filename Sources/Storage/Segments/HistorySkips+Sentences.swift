extension HistorySkips {
    /// Messages about the parts of a history that were left out: the first problems, and the number of further ones.
    package var sentences: [String] {
        let all = counts.values.reduce(0, +)
        return named.map(\.description) + (all > named.count ? ["\(all - named.count) more parts"] : [])
    }
}
