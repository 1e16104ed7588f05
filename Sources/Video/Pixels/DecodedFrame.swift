import CKernels

/// A decoded frame, whose memory is valid only for the duration of a call.
///
/// `width` and `height` count the samples of the upright picture, across and down.
package struct DecodedFrame {
    package let width: Int
    package let height: Int
    /// The width of a sample divided by its height, as displayed: 1 for square samples.
    package let pixelAspect: Double
    let planes: ww_frame

    /// Makes a frame of interleaved RGB: `height` rows of `stride` bytes.
    package init(rgb: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int) {
        precondition(width > 0 && height > 0 && stride >= width * 3)
        self.init(
            width, height, .init(layout: WW_LAYOUT_RGB, planes: (rgb, nil, nil), strides: (stride, 0, 0), step: 3))
    }

    /// Makes a grey frame of one luma plane in full range (0 to 255).
    package init(grey: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int) {
        precondition(width > 0 && height > 0 && stride >= width)
        self.init(
            width, height, .init(layout: WW_LAYOUT_GREY, planes: (grey, nil, nil), strides: (stride, 0, 0), step: 1))
    }

    /// Makes an I420 frame: planes of Y, and of U and V with half the width and height, each with its stride in bytes.
    package init(
        y: UnsafePointer<UInt8>, u: UnsafePointer<UInt8>, v: UnsafePointer<UInt8>, strides: (Int, Int, Int),
        width: Int, height: Int, colour: ColourConversion
    ) {
        precondition(width > 0 && height > 0 && strides.0 >= width)
        precondition(strides.1 >= (width + 1) / 2 && strides.2 >= (width + 1) / 2)
        self.init(
            width, height,
            .init(
                layout: WW_LAYOUT_I420, planes: (y, u, v), strides: strides, step: 1, chroma: (1, 1), colour: colour))
    }

    /// Makes a frame of Y, U and V planes whose chroma is halved `shifts` times across and down (4:2:2 is 1 and 0).
    package init(
        y: UnsafePointer<UInt8>, u: UnsafePointer<UInt8>, v: UnsafePointer<UInt8>, strides: (Int, Int, Int),
        shifts: (across: Int, down: Int), width: Int, height: Int, colour: ColourConversion
    ) {
        precondition((0...2).contains(shifts.across) && (0...2).contains(shifts.down))
        let chroma = (width + (1 << shifts.across) - 1) >> shifts.across
        precondition(width > 0 && height > 0 && strides.0 >= width && strides.1 >= chroma && strides.2 >= chroma)
        self.init(
            width, height,
            .init(
                layout: WW_LAYOUT_YUV, planes: (y, u, v), strides: strides, step: 1,
                chroma: (UInt8(shifts.across), UInt8(shifts.down)), colour: colour))
    }

    /// Makes an NV12 frame: a plane of Y, and one of interleaved U and V with half the width and height.
    package init(
        y: UnsafePointer<UInt8>, uv: UnsafePointer<UInt8>, strides: (Int, Int), width: Int, height: Int,
        colour: ColourConversion
    ) {
        precondition(width > 0 && height > 0 && strides.0 >= width && strides.1 >= (width + 1) / 2 * 2)
        var planes = ww_frame(
            layout: WW_LAYOUT_NV12, planes: (y, uv, uv + 1), strides: (strides.0, strides.1, strides.1), step: 1,
            chroma: (1, 1), colour: colour)
        planes.steps = (1, 2, 2)
        self.init(width, height, planes)
    }

    private init(_ width: Int, _ height: Int, _ planes: ww_frame, pixelAspect: Double = 1) {
        self.width = width
        self.height = height
        self.planes = planes
        self.pixelAspect = pixelAspect
    }

    /// Returns the frame as displayed: turned upright, with samples of the given width.
    ///
    /// Nothing is copied: readers read the samples in that order. An aspect beyond 1:8 is considered wrong, and
    /// replaced by 1.
    package func shown(_ orientation: PictureOrientation, pixelAspect: Double = 1) -> DecodedFrame {
        guard orientation != .upright || pixelAspect != 1 else { return self }
        var turned = planes
        turned.turn = orientation.turn(width: width, height: height)
        let isSane = pixelAspect.isFinite && (0.125...8).contains(pixelAspect)
        let aspect = isSane ? pixelAspect : 1
        return orientation.swapsSides
            ? DecodedFrame(height, width, turned, pixelAspect: 1 / aspect)
            : DecodedFrame(width, height, turned, pixelAspect: aspect)
    }

    /// Returns the part of the frame in a region, with at least 2 x 2 samples.
    ///
    /// Its first column and row are moved back to where a chroma sample begins.
    package func cropped(to part: PictureRegion) -> DecodedFrame {
        let column = min(Int(part.x * Double(width)), max(width - 2, 0))
        let row = min(Int(part.y * Double(height)), max(height - 2, 0))
        return cropped(
            column: column, row: row, columns: Int((part.width * Double(width)).rounded()),
            rows: Int((part.height * Double(height)).rounded()))
    }

    /// Returns the part of the frame from a column and row on, with at least 2 x 2 samples.
    ///
    /// The column and the row are moved back to where a chroma sample begins.
    package func cropped(column: Int, row: Int, columns: Int, rows: Int) -> DecodedFrame {
        let (across, down) = (max(1 << Int(planes.shifts.0), 2), max(1 << Int(planes.shifts.1), 2))
        let (column, row) = (column / across * across, row / down * down)
        let (columns, rows) = (min(max(columns, 2), width - column), min(max(rows, 2), height - row))
        var part = planes
        if planes.turn.is_turned != 0 {
            let (x, y) = (Int32(column), Int32(row))
            part.turn.column += x * planes.turn.column_x + y * planes.turn.column_y
            part.turn.row += x * planes.turn.row_x + y * planes.turn.row_y
        } else {
            func moved(_ plane: UnsafePointer<UInt8>?, _ stride: Int, _ step: UInt8, _ chroma: (UInt8, UInt8))
                -> UnsafePointer<UInt8>?
            {
                plane.map { $0 + row >> Int(chroma.1) * stride + column >> Int(chroma.0) * Int(step) }
            }
            part.planes.0 = moved(planes.planes.0, planes.strides.0, planes.steps.0, (0, 0))
            part.planes.1 = moved(planes.planes.1, planes.strides.1, planes.steps.1, planes.shifts)
            part.planes.2 = moved(planes.planes.2, planes.strides.2, planes.steps.2, planes.shifts)
        }
        return DecodedFrame(columns, rows, part, pixelAspect: pixelAspect)
    }
}

extension ww_frame {
    /// Makes an upright frame for C, whose planes all have the same `step` in bytes between samples.
    fileprivate init(
        layout: ww_layout, planes: (UnsafePointer<UInt8>?, UnsafePointer<UInt8>?, UnsafePointer<UInt8>?),
        strides: (Int, Int, Int), step: UInt8, chroma: (UInt8, UInt8) = (0, 0), colour: ColourConversion? = nil
    ) {
        self.init(
            layout: layout, planes: planes, strides: strides, steps: (step, step, step), shifts: chroma,
            colour: colour?.factors ?? ww_colour(), exact: colour?.exactFactors ?? ww_exact_colour(), turn: ww_turn())
    }
}

/// A rectangle of a picture, in fractions of its width and height from its upper left corner.
package struct PictureRegion: Sendable, Equatable {
    package let x: Double
    package let y: Double
    package let width: Double
    package let height: Double

    /// Makes a region; nil unless the rectangle has an area and lies within the picture.
    package init?(x: Double, y: Double, width: Double, height: Double) {
        let numbers = [x, y, width, height, x + width, y + height]
        guard numbers.allSatisfy({ $0.isFinite && $0 >= 0 && $0 <= 1 + 1e-9 }), width > 0, height > 0 else {
            return nil
        }
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}
