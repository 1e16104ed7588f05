package import Tensors

/// The inputs of a call's pairs as rows: the text of each pair, and once the frames of every window in a pair.
package final class PairRows {
    /// The texts `[pairs, width]`.
    package let texts: Matrix
    /// The frames `[windows in use · room, width]`.
    package let frames: Matrix
    /// The first row of each pair's frames; `counts` has the number of rows that count.
    package private(set) var first: [Int32] = []
    package private(set) var counts: [Int32] = []
    /// The order of the windows in use among the rows.
    private var places: [Int: Int] = [:]

    package init(width: Int) {
        texts = Matrix(rows: 0, columns: width)
        frames = Matrix(rows: 0, columns: width)
    }

    /// Copies a call's pairs into the rows.
    ///
    /// Each window has `room` rows. With `repeatingLast`, a short window repeats its last frame and all rows count;
    /// otherwise the remaining rows are zero and do not count.
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
