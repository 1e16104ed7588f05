import Foundation
import SystemSupport

/// The imperfections of a simulated camera: noise, blur, and errors of brightness.
package struct Camera: Sendable {
    /// The standard deviation of the camera's noise, in levels of 0 to 255.
    package var noise: Double
    /// The standard deviation of a 3 x 3 Gaussian blur, in pixels; 0 leaves the picture sharp.
    package var blur: Double
    package var gain: Double
    package var offset: Double
    /// The greatest random deviation of a frame's gain from `gain`.
    package var flicker: Double

    static func random(_ random: inout SeededRandom) -> Camera {
        Camera(
            noise: random.choice([0, 0, 1, 2, 4, 6]) * random.unit(), blur: random.choice([0, 0, 0.35, 0.5, 0.65]),
            gain: random.uniform(0.9, 1.1), offset: random.uniform(-8, 8), flicker: random.choice([0, 0.01, 0.02]))
    }

    /// Applies blur, gain, offset and noise to the canvas; `light` is the scene's brightness, 0 to 1.
    func shoot(_ canvas: inout Canvas, light: Double, _ random: inout SeededRandom) {
        if blur > 0 { soften(&canvas) }
        let gain = Float(gain + (flicker > 0 ? random.uniform(-1, 1) * flicker : 0))
        let shift = Float(offset * (0.3 + 0.7 * light)) + 0.5
        if noise > 0.05 {
            let noise = Float(noise)
            let count = canvas.pixels.count
            var at = random.below(Noise.pool.count)
            for index in 0..<count {
                let value = Float(canvas.pixels[index]) * gain + shift + Noise.pool[at] * noise
                canvas.pixels[index] = UInt8(min(max(value, 0), 255))
                at += 1
                if at == Noise.pool.count { at = 0 }
            }
        } else {
            let levels = (0...255).map { UInt8(min(max(Float($0) * gain + shift, 0), 255)) }
            for index in canvas.pixels.indices { canvas.pixels[index] = levels[Int(canvas.pixels[index])] }
        }
    }

    private func soften(_ canvas: inout Canvas) {
        let side = exp(-1 / (2 * blur * blur))
        let (outer, inner) = (Float(side / (1 + 2 * side)), Float(1 / (1 + 2 * side)))
        let (width, height) = (canvas.width, canvas.height)
        guard width > 1, height > 1 else { return }
        var across = [Float](repeating: 0, count: canvas.pixels.count)
        for row in 0..<height {
            let start = row * width * 3
            for column in 0..<width {
                let left = column == 0 ? 1 : column - 1  // edges are mirrored
                let right = column == width - 1 ? width - 2 : column + 1
                for channel in 0..<3 {
                    let sides =
                        Float(canvas.pixels[start + left * 3 + channel])
                        + Float(canvas.pixels[start + right * 3 + channel])
                    across[start + column * 3 + channel] =
                        sides * outer + Float(canvas.pixels[start + column * 3 + channel]) * inner
                }
            }
        }
        for row in 0..<height {
            let above = (row == 0 ? 1 : row - 1) * width * 3
            let below = (row == height - 1 ? height - 2 : row + 1) * width * 3
            let start = row * width * 3
            for index in 0..<width * 3 {
                let sides = across[above + index] + across[below + index]
                canvas.pixels[start + index] = UInt8((sides * outer + across[start + index] * inner).rounded())
            }
        }
    }
}

private enum Noise {
    /// A reusable sequence of normally distributed random numbers, read from a random position in every frame.
    static let pool: [Float] = {
        var random = SeededRandom(seed: 7)
        return (0..<1 << 18).map { _ in Float(random.normal()) }
    }()
}
