import SystemSupport

/// A clip of a generated scene with a true caption, for training and measuring models.
package struct LabelledClip: Sendable {
    package let scene: Scene
    /// The time in the scene at which the clip starts, in seconds.
    package let start: Double
    package let caption: String
    private let camera: Camera
    private let seed: UInt64

    /// Returns a function that draws the clip's picture at a time, in seconds since the clip's start.
    package func drawing(width: Int, height: Int) -> (Double) -> Canvas {
        let margin = (Double(width) / Double(height) - 1) / 2
        let behind = scene.background.picture(width: width, height: height, margin: margin)
        var random = SeededRandom(seed: seed)
        return { time in
            var canvas = scene.draw(at: start + time, on: behind, width: width, height: height, margin: margin)
            camera.shoot(&canvas, light: scene.light(at: start + time), &random)
            return canvas
        }
    }

    /// Generates clips with captions, one after the other; the seed determines all of them.
    package struct Maker: Sendable {
        private var random: SeededRandom
        private let seconds: Double
        private let full: Bool
        private var taken: Set<String> = []

        /// Makes a generator of clips that last `seconds`.
        ///
        /// With `full`, captions are in canonical words, state every property they can, and never repeat.
        package init(seed: UInt64, seconds: Double, full: Bool) {
            (random, self.seconds, self.full) = (SeededRandom(seed: seed), seconds, full)
        }

        /// Returns the next clip; nil if 2,000 attempts give no suitable caption.
        package mutating func next() -> LabelledClip? {
            for _ in 0..<2000 {
                let scene = Scene.random(&random)
                let start = scene.windowStart(span: seconds - 0.25, &random)
                // Truth is decided on frames a quarter of a second apart.
                let times = (0..<max(2, Int(seconds * 4))).map { start + Double($0) / 4 }
                guard let claim = Claim.random(trueOf: Facts(scene, times: times), &random, full: full) else {
                    continue
                }
                var captioner = full ? Captioner.canonical : .varied(SeededRandom(seed: random.next()))
                let caption = captioner.caption(claim)
                if full, !taken.insert(caption).inserted { continue }
                return LabelledClip(
                    scene: scene, start: start, caption: caption, camera: .random(&random), seed: random.next())
            }
            return nil
        }
    }
}
