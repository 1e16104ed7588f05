import Heads
import Matching
import Tensors

/// What queries must share to be scored by one product.
struct GroupKey: Hashable {
    let head: String
    let frames: Int
}

/// Standing queries of one head and window length: the head's instance and their matrix of text embeddings.
final class QueryGroup {
    private let head: Head
    /// For a head that pairs texts and windows: the mean head, which chooses whom it looks at.
    private let candidates: Head?
    private let key: GroupKey
    private let width: Int
    private var matrix: QueryMatrix
    private var raw: [String: [Float]] = [:]
    // Results of the heads, kept for the next call.
    private var pooled: [Float] = []
    private var logits: [Float] = []

    init(key: GroupKey, head: Head, candidates: Head?, width: Int) {
        self.key = key
        self.head = head
        self.candidates = candidates
        self.width = width
        matrix = QueryMatrix(width: width)
    }

    var ids: [String] { matrix.ids }
    var isEmpty: Bool { matrix.count == 0 }

    func add(_ query: StandingQuery, embedding: [Float]) {
        matrix.add(query.id, Products.unit(embedding))
        if candidates != nil { raw[query.id] = embedding }
    }

    func remove(_ id: String) {
        matrix.remove(id)
        raw[id] = nil
    }

    /// Scores windows `[w, frames, d]`: one row a window, in the order of `ids`; nil where a pairing head did not look.
    ///
    /// `keep`: queries of each window that must be looked at whatever the mean head says (their events are open).
    func score(_ frames: [Float], valid: [Int], keep: [Set<String>], rerank: Int) throws -> [[Float?]] {
        try (candidates ?? head).pool(frames, valid: valid, frames: key.frames, into: &pooled)
        let cosines = Products.timesTransposed(pooled, matrix.storage, width: width)
        let q = matrix.count
        guard candidates != nil else {
            return (0..<valid.count).map { w in cosines[w * q..<(w + 1) * q].map { $0 } }
        }
        let ids = matrix.ids
        var pairs: [(text: Int, window: Int)] = []
        for w in 0..<valid.count {
            let row = cosines[w * q..<(w + 1) * q]
            var chosen = Set(ids.indices.filter { keep[w].contains(ids[$0]) })
            for index in ids.indices.sorted(by: { row[row.startIndex + $0] > row[row.startIndex + $1] }).prefix(rerank)
            {
                chosen.insert(index)
            }
            pairs += chosen.sorted().map { (text: $0, window: w) }
        }
        let texts = ids.flatMap { raw[$0] ?? [] }
        try head.score(texts: texts, frames, valid: valid, frames: key.frames, pairs: pairs, into: &logits)
        var rows = [[Float?]](repeating: [Float?](repeating: nil, count: q), count: valid.count)
        for (pair, logit) in zip(pairs, logits) { rows[pair.window][pair.text] = logit }
        return rows
    }
}
