/// Reads a range of keys page by page, all at the revision of the first page.
///
/// Where a page is larger than is read at once, it is asked for in smaller pages.
struct EnginePages {
    private var range: KeyRange
    private var limit: Int
    private var at: Int64?
    private var isOver = false

    /// `limit` is the greatest number of values of a page.
    init(_ range: KeyRange, limit: Int, at revision: Int64? = nil) {
        (self.range, self.limit, at) = (range, limit, revision)
    }

    /// The revision that is read; 0 before the first page.
    var revision: Int64 { at ?? 0 }

    /// Returns the next values; nil after the last.
    mutating func next(_ engine: any FleetEngine) async throws(EngineError) -> [StoredValue]? {
        while !isOver {
            do throws(EngineError) {
                let answer = try await engine.read(range, limit: limit, at: at)
                at = at ?? answer.revision
                isOver = !answer.isMore
                guard let last = answer.values.last else {
                    isOver = true
                    return nil
                }
                range = KeyRange(from: last.key + "\u{0}", to: range.end)
                return answer.values
            } catch {
                guard error.kind == .tooLarge, limit > 1 else { throw error }
                limit = max(1, limit / 16)
            }
        }
        return nil
    }
}
