import CLIP

extension Normalisation {
    /// Converts interleaved RGB bytes of pictures to normalised planes `[pictures, 3, side, side]`.
    func planes(_ rgb: [UInt8], side: Int) -> [Float] {
        let plane = side * side
        // A table of the 256 byte values gives the same roundings as CLIP4Clip.
        let tables = (0..<3).map { channel in
            (0..<256).map { (Float($0) / 255 - mean[channel]) / deviation[channel] }
        }
        var planes = [Float](repeating: 0, count: rgb.count)
        for picture in 0..<rgb.count / (3 * plane) {
            for channel in 0..<3 {
                let (from, to, table) = (
                    picture * 3 * plane + channel, (picture * 3 + channel) * plane, tables[channel]
                )
                for index in 0..<plane { planes[to + index] = table[Int(rgb[from + 3 * index])] }
            }
        }
        return planes
    }
}
