/// The merge rules of a byte-pair encoding: which two neighbouring token ids become which id, and in what order.
///
/// Source: CLIP `SimpleTokenizer.bpe`: in each round, the pair of lowest rank is merged wherever it occurs, from left
/// to right, until no neighbours have a rule. CLIP scans the word in every round; here a heap holds the pairs, so that
/// a word of n bytes takes O(n log n). tokenizers' `models/bpe/word.rs` has no rounds: the next merge is always the
/// pair of lowest rank.
struct BytePairEncoding: Sendable {
    /// Maps each pair of ids to its rank (upper 32 bits) and the id of the merged token (lower 32 bits).
    private var rules: [Pair: UInt64] = [:]

    private struct Pair: Hashable {
        let left, right: UInt32
    }

    init(minimumCapacity: Int) { rules.reserveCapacity(minimumCapacity) }

    /// Adds a merge rule; it replaces an earlier rule for the same pair, as in Python's `dict(zip(merges, ranks))`.
    mutating func add(left: UInt32, right: UInt32, merged: UInt32, rank: UInt32) {
        rules[Pair(left: left, right: right)] = UInt64(rank) << 32 | UInt64(merged)
    }

    /// Merges the token ids of one word until no rule applies, the pair of lowest rank first.
    ///
    /// With `inRounds`, all occurrences of a pair are merged before any pair that these merges create.
    func merge(_ word: [UInt32], inRounds: Bool) -> [UInt32] {
        guard word.count > 1 else { return word }
        var chain = Chain(word)
        // Rank in the high half, position of the left symbol in the low half: equal ranks go from left to right.
        var waiting = MinimumHeap()
        func enqueue(_ i: Int) {
            guard let pair = chain.pair(at: i), let rule = rules[pair] else { return }
            waiting.insert((rule >> 32) << 32 | UInt64(i))
        }
        for i in 0..<(word.count - 1) { enqueue(i) }

        var merged: [Int] = []
        while let rank = waiting.first.map({ $0 >> 32 }) {
            // Finish the round before its new pairs: one of them may have a lower rank than the rest of the round.
            merged.removeAll(keepingCapacity: true)
            while let entry = waiting.first, entry >> 32 == rank {
                waiting.removeFirst()
                let i = Int(entry & 0xFFFF_FFFF)
                // An entry is stale if either symbol has been merged since.
                guard let pair = chain.pair(at: i), let rule = rules[pair], rule >> 32 == rank else { continue }
                chain.merge(at: i, into: UInt32(truncatingIfNeeded: rule))
                merged.append(i)
                if !inRounds { break }
            }
            for i in merged {
                if let before = chain.previous(i) { enqueue(before) }
                enqueue(i)
            }
        }
        return chain.symbols
    }

    /// A word's token ids as a doubly linked list; nodes have the indices of the initial ids.
    private struct Chain {
        private var ids: [UInt32]
        private var next: [Int]
        private var before: [Int]
        private var isAlive: [Bool]

        init(_ word: [UInt32]) {
            ids = word
            next = Array(1...word.count)
            before = Array(-1..<(word.count - 1))
            isAlive = Array(repeating: true, count: word.count)
        }

        var symbols: [UInt32] { ids.indices.filter { isAlive[$0] }.map { ids[$0] } }

        func previous(_ i: Int) -> Int? { before[i] >= 0 ? before[i] : nil }

        func pair(at i: Int) -> Pair? {
            guard isAlive[i], next[i] < ids.count else { return nil }
            return Pair(left: ids[i], right: ids[next[i]])
        }

        mutating func merge(at i: Int, into id: UInt32) {
            let gone = next[i]
            ids[i] = id
            isAlive[gone] = false
            next[i] = next[gone]
            if next[i] < ids.count { before[next[i]] = i }
        }
    }
}

/// A binary heap whose first element is the smallest.
private struct MinimumHeap {
    private var items: [UInt64] = []

    var first: UInt64? { items.first }

    mutating func insert(_ item: UInt64) {
        items.append(item)
        var child = items.count - 1
        while child > 0, items[child] < items[(child - 1) / 2] {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        guard let last = items.popLast(), !items.isEmpty else { return }
        items[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && items[child] < items[smallest] {
                smallest = child
            }
            if smallest == parent { return }
            items.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
