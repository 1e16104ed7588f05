import SystemSupport

/// A generated video: scenes with coloured moving shapes, with pauses, recorded by one simulated camera.
///
/// It is endless or of a given length. The same seed and settings always give the same film.
package struct Film: Sendable {
    /// A scene, and its time in the film.
    package struct Take: Sendable {
        /// The time in the film at which the scene starts, in seconds.
        package let start: Double
        package let scene: Scene
        /// The time in the film from which the scene's background is visible, in seconds.
        ///
        /// A background can change in the middle of the pause before its scene.
        package let backgroundStart: Double
        var end: Double { start + scene.length }
    }

    package let width: Int
    package let height: Int
    /// The number of frames per second.
    package let fps: Int
    private let mayCut: Bool
    private var script: SeededRandom
    private var light: SeededRandom
    private let camera: Camera
    /// The scenes generated so far, in order; an endless film drops those that are over.
    private var takes: [Take] = []
    /// The film's length in seconds; nil for an endless film.
    private let length: Double?
    private var background: (start: Double, pixels: [UInt8])?

    /// Makes an endless film.
    package init(seed: UInt64, width: Int = 320, height: Int = 240, fps: Int = 25, mayCut: Bool = true) {
        self.init(seed, width, height, fps, mayCut, atMost: nil)
    }

    /// Makes a film of about `seconds`, which consists of whole scenes; it has at least one.
    ///
    /// Its last pause may end up to 0.9 s later, as the shortest pause is reckoned with; so may a long first scene.
    package static func finite(
        seed: UInt64, seconds: Double, width: Int = 320, height: Int = 240, fps: Int = 25, mayCut: Bool = false
    ) -> Film {
        Film(seed, width, height, fps, mayCut, atMost: seconds)
    }

    private init(_ seed: UInt64, _ width: Int, _ height: Int, _ fps: Int, _ mayCut: Bool, atMost seconds: Double?) {
        precondition(width > 0 && height > 0 && fps > 0)
        (self.width, self.height, self.fps, self.mayCut) = (width, height, fps, mayCut)
        script = SeededRandom(seed: seed)
        light = SeededRandom(seed: ~seed)
        camera = .random(&script)
        guard let seconds else {
            length = nil
            return
        }
        var takes = [Self.take(after: nil, mayCut, &script)]
        while true {
            let next = Self.take(after: takes.last, mayCut, &script)
            if next.end + Self.pauses.lowerBound > seconds { break }
            takes.append(next)
        }
        let end = (takes.last?.end ?? 0) + script.uniform(Self.pauses.lowerBound, Self.pauses.upperBound)
        self.takes = takes
        length = end
    }

    /// The range of pauses between scenes, in seconds: longer than two seconds, so that a window can be empty.
    private static let pauses = 2.3...3.2

    private static func take(after last: Take?, _ mayCut: Bool, _ random: inout SeededRandom) -> Take {
        let pause = random.uniform(pauses.lowerBound, pauses.upperBound)
        let start = (last?.end ?? 0) + pause
        let cuts = last == nil || mayCut && random.chance(0.5)
        let scene = Scene.random(&random, background: cuts ? nil : last?.scene.background)
        let since = last == nil ? 0 : cuts ? start - pause / 2 : last?.backgroundStart ?? 0
        return Take(start: start, scene: scene, backgroundStart: since)
    }

    /// The number of frames in the film; nil if it is endless.
    package var frameCount: Int? { length.map { Int(($0 * Double(fps)).rounded(.up)) } }

    /// The film's duration in seconds, a whole number of frames; nil if it is endless.
    package var duration: Double? { frameCount.map { Double($0) / Double(fps) } }

    /// The times in the film at which the background changes, in seconds.
    package var cuts: [Double] {
        Set(takes.map(\.backgroundStart)).filter { $0 > 0 }.sorted()
    }

    /// The events of a finite film, ordered by start; they are known exactly, since the film is generated.
    package var events: [TrueEvent] { TrueEvent.all(takes, duration: duration ?? 0) }

    /// Draws the frame with this number; in an endless film, numbers must not decrease from call to call.
    package mutating func frame(_ number: Int) -> Canvas {
        let time = Double(number) / Double(fps)
        if length == nil { advance(to: time) }
        let margin = (Double(width) / Double(height) - 1) / 2
        guard let behind = takes.last(where: { $0.backgroundStart <= time }) ?? takes.first else {
            return Canvas(width: width, height: height, pixels: [UInt8](repeating: 0, count: width * height * 3))
        }
        if background?.start != behind.backgroundStart {
            let pixels = behind.scene.background.picture(width: width, height: height, margin: margin)
            background = (behind.backgroundStart, pixels)
        }
        let acting = takes.first { $0.start <= time && time < $0.end }
        let scene = acting?.scene ?? Scene(background: behind.scene.background, length: 0)
        let within = time - (acting?.start ?? 0)
        var canvas = scene.draw(
            at: within, on: background?.pixels ?? [], width: width, height: height, margin: margin)
        camera.shoot(&canvas, light: scene.light(at: within), &light)
        return canvas
    }

    /// Generates scenes up to a time in the film, and drops scenes that are over.
    private mutating func advance(to time: Double) {
        while (takes.last?.end ?? -1) < time { takes.append(Self.take(after: takes.last, mayCut, &script)) }
        // One take ahead, since its background may already be visible in the pause before it.
        if takes.count < 2 || takes[takes.count - 1].start <= time {
            takes.append(Self.take(after: takes.last, mayCut, &script))
        }
        if takes.count > 3 { takes.removeFirst(takes.count - 3) }
    }
}
