/// The longest word, in bytes, that is compared with known words; `mostWords` is the most known words compared.
///
/// Comparing two words costs the product of their lengths.
private let mostBytes = 40
private let mostWords = 100

/// Returns the known word that is most similar to a wrong one; nil if none is similar enough to be a typing error.
func suggestion(for word: String, among known: [String]) -> String? {
    guard word.utf8.count <= mostBytes else { return nil }
    let near = known.prefix(mostWords).filter { $0.utf8.count <= mostBytes }
        .map { (word: $0, distance: editDistance($0, word)) }
        .min { $0.distance < $1.distance }
    guard let near, near.distance <= max(2, word.utf8.count / 3) else { return nil }
    return near.word
}

/// Returns the Levenshtein distance: the number of bytes to change, add or remove to turn one word into the other.
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
