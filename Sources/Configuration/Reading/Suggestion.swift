/// Most bytes of a word that is compared with others, and most words that it is compared with: a comparison costs the
/// product of both lengths.
private let mostBytes = 40
private let mostWords = 100

/// The known word that a wrong one may be meant for; nil if none is near, or the wrong one is no slip of the keyboard.
func suggestion(for word: String, among known: [String]) -> String? {
    guard word.utf8.count <= mostBytes else { return nil }
    let near = known.prefix(mostWords).filter { $0.utf8.count <= mostBytes }
        .map { (word: $0, distance: editDistance($0, word)) }
        .min { $0.distance < $1.distance }
    guard let near, near.distance <= max(2, word.utf8.count / 3) else { return nil }
    return near.word
}

/// Bytes to change, add or remove to make one word of the other (Levenshtein).
private func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    var row = Array(0...b.count)
    for i in 0..<a.count {
        var diagonal = row[0]
        row[0] = i + 1
        for j in 0..<b.count {
            let change = diagonal + (a[i] == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(change, row[j + 1] + 1, row[j] + 1)
        }
    }
    return row[b.count]
}
