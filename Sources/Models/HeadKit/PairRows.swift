package import Tensors

/// The rows of a call's pairs: a text for each pair, and the frames of every window that a pair names, once.
package final class PairRows {
    /// `[pairs, width]`.
    package let texts: Matrix
    /// `[windows that are named · room, width]`.
    package let frames: Matrix
    /// The first row of each pair's frames, and the number of those that count.
    package private(set) var first: [Int32] = []
    package private(set) var counts: [Int32] = []
    /// Each named window's place among the rows.
    private var places: [Int: Int] = [:]

    package init(width: Int) {
        texts = Matrix(rows: 0, columns: width)
        frames = Matrix(rows: 0, columns: width)
    }

    /// Takes a call's pairs.
    ///
    /// `room`: rows of a window. `repeatingLast`: a window that is short of frames repeats its last, and all rows
    /// count; else what is left of them is zero, and does not.
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
