/// A square RGB picture as the image encoder takes it: interleaved bytes `[side, side, 3]`.
package struct Picture: Sendable, Equatable {
    package let side: Int
    package let rgb: [UInt8]

    package init(side: Int, rgb: [UInt8]) {
        precondition(rgb.count == side * side * 3)
        self.side = side
        self.rgb = rgb
    }
}
