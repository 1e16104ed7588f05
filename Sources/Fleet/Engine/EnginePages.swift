/// Reads a range of etcd keys page by page, all at the store's revision of the first page.
///
/// If a page exceeds the size limit of an answer, it is requested again as smaller pages.
struct EnginePages {
    private var range: KeyRange
    private var limit: Int
    private var at: Int64?
    private var isOver = false

    /// Prepares to read `range` in pages of at most `limit` values, at `revision` or, if nil, at the newest revision.
    init(_ range: KeyRange, limit: Int, at revision: Int64? = nil) {
        (self.range, self.limit, at) = (range, limit, revision)
    }

    /// The revision of etcd at which the keys are read; 0 before the first page.
    var revision: Int64 { at ?? 0 }

    /// Requests the next page of keys and values from etcd; returns nil after the last page.
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
