package import Tensors

/// Copies of a call's pairs as matrix rows: each pair's text embedding, and the frames of every window in a pair.
///
/// A window that occurs in several pairs is copied once.
package final class PairRows {
    /// The text embedding of each pair, `[pairs, width]`.
    package let texts: Matrix
    /// The frame embeddings of every window that occurs in a pair, with the same number of rows for each window.
    package let frames: Matrix
    /// The row in `frames` where each pair's window begins; `counts` has the number of its valid rows.
    package private(set) var first: [Int32] = []
    package private(set) var counts: [Int32] = []
    /// Maps the number of each window that occurs in a pair to its position among the copied windows.
    private var places: [Int: Int] = [:]

    package init(width: Int) {
        texts = Matrix(rows: 0, columns: width)
        frames = Matrix(rows: 0, columns: width)
    }

    /// Copies the texts and windows of `pairs` into `texts` and `frames`.
    ///
    /// Each window gets `room` rows. With `repeatingLast`, a window with fewer frames repeats its last frame, and all
    /// rows count as valid. Otherwise its remaining rows are zero and not valid.
    package func fill(_ pairs: Pairs, room: Int, repeatingLast: Bool = false) {
        places.removeAll(keepingCapacity: true)
        first.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        texts.resize(rows: pairs.count)
        for p in 0..<pairs.count where places[Int(pairs.window[p])] == nil {
            places[Int(pairs.window[p])] = places.count
        }
        frames.resize(rows: places.count * room)
        for (window, place) in places {
            frames.write(pairs.windows[window], atRow: place * room, room: room)
            guard repeatingLast else { continue }
            let valid = Int(pairs.windows.valid[window])
            for row in valid..<max(valid, room) {
                frames.copyRow(place * room + row, from: frames, row: place * room + valid - 1)
            }
        }
        for p in 0..<pairs.count {
            let window = Int(pairs.window[p])
            texts.write(pairs.text(p), atRow: p)
            first.append(Int32((places[window] ?? 0) * room))
            counts.append(repeatingLast ? Int32(room) : pairs.windows.valid[window])
        }
    }
}
