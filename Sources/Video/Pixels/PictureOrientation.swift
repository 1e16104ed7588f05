import CKernels

/// The rotation or mirroring that makes a stored picture upright, with EXIF's numbers as raw values.
package enum PictureOrientation: Int, Sendable, CaseIterable {
    case upright = 1
    case mirrored
    case upsideDown
    case flipped
    case transposed
    /// A clockwise rotation by 90°.
    case quarterTurn
    case transverse
    /// A clockwise rotation by 270°.
    case threeQuarterTurn

    /// Parses the value of GStreamer's tag `image-orientation`; nil for unknown values.
    package init?(tag: String) {
        switch tag {
        case "rotate-0": self = .upright
        case "rotate-90": self = .quarterTurn
        case "rotate-180": self = .upsideDown
        case "rotate-270": self = .threeQuarterTurn
        case "flip-rotate-0": self = .mirrored
        case "flip-rotate-90": self = .transverse
        case "flip-rotate-180": self = .flipped
        case "flip-rotate-270": self = .transposed
        default: return nil
        }
    }

    /// True if this orientation exchanges the picture's width and height.
    package var swapsSides: Bool { rawValue >= PictureOrientation.transposed.rawValue }

    /// Returns how to step through a stored picture of `width` x `height` to read it upright.
    func turn(width: Int, height: Int) -> ww_turn {
        let (right, bottom) = (Int32(width - 1), Int32(height - 1))
        /// Combines columns and rows: the position of the upper left sample, and the steps across and down.
        func along(_ column: (Int32, Int32, Int32), _ row: (Int32, Int32, Int32)) -> ww_turn {
            ww_turn(
                is_turned: self == .upright ? 0 : 1, column: column.0, column_x: column.1, column_y: column.2,
                row: row.0, row_x: row.1, row_y: row.2)
        }
        return switch self {
        case .upright: along((0, 1, 0), (0, 0, 1))
        case .mirrored: along((right, -1, 0), (0, 0, 1))
        case .upsideDown: along((right, -1, 0), (bottom, 0, -1))
        case .flipped: along((0, 1, 0), (bottom, 0, -1))
        case .transposed: along((0, 0, 1), (0, 1, 0))
        case .quarterTurn: along((0, 0, 1), (bottom, -1, 0))
        case .transverse: along((right, 0, -1), (bottom, -1, 0))
        case .threeQuarterTurn: along((right, 0, -1), (0, 1, 0))
        }
    }
}

extension DecodedFrame {
    /// The frame's displayed size in square pixels: as high as its rows, and as wide as its pixel aspect says.
    package var shownSize: (width: Int, height: Int) {
        pixelAspect == 1 ? (width, height) : (max(Int((Double(width) * pixelAspect).rounded()), 1), height)
    }

    /// True if a preview can be made from the planes as stored, by averaging whole numbers of samples.
    var isPlain: Bool {
        guard planes.turn.is_turned == 0, pixelAspect == 1 else { return false }
        return switch planes.layout {
        case WW_LAYOUT_RGB, WW_LAYOUT_I420, WW_LAYOUT_NV12: true
        default: false
        }
    }
}
