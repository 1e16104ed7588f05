package import SystemSupport

/// Draws a scene as input for a model: the central square of a camera's picture, in the model's size.
package struct SquareView: Sendable {
    package let side: Int
    private let scene: Scene
    private let camera: Camera
    private let background: [UInt8]
    private var random: SeededRandom
    /// The number of drawn pixels, in each direction, whose mean makes a pixel of the picture.
    private static let fine = 2

    /// Makes a view with a random camera; with `isClear`, the camera has neither noise nor blur.
    package init(_ scene: Scene, side: Int, isClear: Bool = false, _ random: inout SeededRandom) {
        (self.scene, self.side) = (scene, side)
        var camera = Camera.random(&random)
        if isClear { (camera.noise, camera.blur) = (0, 0) }
        self.camera = camera
        self.random = SeededRandom(seed: random.next())
        background = scene.background.picture(width: side * Self.fine, height: side * Self.fine, margin: 0)
    }

    /// Draws the scene at a time, in seconds; returns RGB bytes `[side, side, 3]`.
    package mutating func picture(at time: Double) -> [UInt8] {
        let fine = scene.draw(
            at: time, on: background, width: side * Self.fine, height: side * Self.fine, margin: 0)
        var canvas = fine.halved()
        camera.shoot(&canvas, light: scene.light(at: time), &random)
        return canvas.pixels
    }

    /// Returns each pixel's object, `[side, side]`: 0 for background, else `1 + shape * C + colour`, with C colours.
    ///
    /// Overlapping objects count as the top one. All pixels are background while the lights are off.
    package func labels(at time: Double) -> [UInt8] {
        var labels = [UInt8](repeating: 0, count: side * side)
        guard scene.isBright(at: time) else { return labels }
        for object in scene.objects {
            let look = object.look(at: time)
            guard look.isVisible else { continue }
            let label = UInt8(1 + object.shape.rawValue * Colour.allCases.count + look.colour.rawValue)
            let outlines = Scene.outlines(of: object.shape, look, scale: Double(side), margin: 0)
            Canvas.inside(outlines, width: side, height: side) { labels[$1 * side + $0] = label }
        }
        return labels
    }
}

extension Canvas {
    /// Returns the picture at half its width and height; each pixel is the mean of 2 x 2 pixels.
    fileprivate func halved() -> Canvas {
        let (w, h) = (width / 2, height / 2)
        var out = [UInt8](repeating: 0, count: w * h * 3)
        for y in 0..<h {
            for x in 0..<w {
                for channel in 0..<3 {
                    let at = (2 * y * width + 2 * x) * 3 + channel
                    let sum = Int(pixels[at]) + Int(pixels[at + 3]) + Int(pixels[at + width * 3])
                    out[(y * w + x) * 3 + channel] = UInt8((sum + Int(pixels[at + width * 3 + 3]) + 2) / 4)
                }
            }
        }
        return Canvas(width: w, height: h, pixels: out)
    }

    /// Calls `body` with every pixel (x, y) whose centre lies inside the outlines (even-odd rule).
    fileprivate static func inside(_ outlines: [[Point]], width: Int, height: Int, _ body: (Int, Int) -> Void) {
        let rows = outlines.joined().map(\.y)
        guard let top = rows.min(), let bottom = rows.max() else { return }
        let (first, last) = (max(0, Int(top.rounded(.up))), min(height - 1, Int(bottom.rounded(.down))))
        guard first <= last else { return }
        for y in first...last {
            let crossings = crossings(of: outlines, at: Double(y))
            for pair in stride(from: 0, to: crossings.count - 1, by: 2) {
                let from = max(0, Int(crossings[pair].rounded(.up)))
                let to = min(width - 1, Int(crossings[pair + 1].rounded(.down)))
                if from <= to { for x in from...to { body(x, y) } }
            }
        }
    }
}
