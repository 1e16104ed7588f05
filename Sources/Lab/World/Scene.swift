import Foundation

/// The actions of an object in a generated scene; raw values index the truth tables in `Facts`.
package enum Action: Int, CaseIterable, Sendable {
    case moveLeft, moveRight, moveUp, moveDown, still, grow, shrink, spin, blink, appear, disappear, change, move

    /// The action's name in JSON files of true events.
    package var kind: String {
        switch self {
        case .moveLeft: "move_left"
        case .moveRight: "move_right"
        case .moveUp: "move_up"
        case .moveDown: "move_down"
        default: "\(self)"
        }
    }

    static let moves: [Action] = [.moveLeft, .moveRight, .moveUp, .moveDown]
}

/// Relations between two objects: they move towards each other (`meet`) or away from each other (`apart`).
package enum Relation: Int, CaseIterable, Sendable {
    case meet, apart
    package var kind: String { "\(self)" }
}

/// The states of a generated scene as a whole.
package enum SceneState: Int, CaseIterable, Sendable {
    case empty, lightsOut, lightsOn, dark

    /// The state's name in JSON files of true events.
    package var kind: String { ["empty", "lights_out", "lights_on", "dark"][rawValue] }
}

/// A span of time, from `start` to `end`, in seconds.
package struct Phase: Sendable, Equatable {
    package var start, end: Double

    package init(_ start: Double, _ end: Double) { (self.start, self.end) = (start, end) }

    /// Returns the time elapsed since the span's start: 0 before it, the span's length after it.
    func elapsed(_ time: Double) -> Double { min(max(time - start, 0), end - start) }
}

/// An object of a generated scene, with its actions.
///
/// Places are in the central square of the picture: x and y from 0 to 1, y downwards. Times are seconds of the scene.
package struct SceneObject: Sendable {
    package var shape: Shape
    package var colour: Colour
    /// The painted colour, which differs slightly from the named colour.
    package var rgb: RGB
    package var radius: Double
    package var place: Point
    package var turn: Double
    package var visible = Phase(-1e9, 1e9)
    /// The object's movement; the velocity is in sides of the picture's central square per second.
    package var move: (during: Phase, velocity: Point)? = nil
    package var growth: (during: Phase, radius: Double)? = nil
    /// The object's rotation; the speed is in radians per second.
    package var spin: (during: Phase, speed: Double)? = nil
    package var blink: (during: Phase, period: Double)? = nil
    package var change: (time: Double, colour: Colour, rgb: RGB)? = nil

    package init(shape: Shape, colour: Colour, rgb: RGB, radius: Double, place: Point, turn: Double) {
        (self.shape, self.colour, self.rgb) = (shape, colour, rgb)
        (self.radius, self.place, self.turn) = (radius, place, turn)
    }

    /// The look of an object at one moment.
    package struct Look: Sendable, Equatable {
        package var isVisible: Bool
        package var colour: Colour
        package var rgb: RGB
        package var place: Point
        package var radius: Double
        package var turn: Double
    }

    package func look(at time: Double) -> Look {
        var look = Look(
            isVisible: visible.start <= time && time < visible.end, colour: colour, rgb: rgb, place: place,
            radius: radius, turn: turn)
        if let move {
            let elapsed = move.during.elapsed(time)
            look.place = Point(place.x + move.velocity.x * elapsed, place.y + move.velocity.y * elapsed)
        }
        if let growth {
            let share = growth.during.elapsed(time) / (growth.during.end - growth.during.start)
            look.radius += (growth.radius - radius) * share
        }
        if let spin { look.turn += spin.speed * spin.during.elapsed(time) }
        if let blink, blink.during.start <= time, time < blink.during.end {
            let cycles = (time - blink.during.start) / blink.period
            look.isVisible = look.isVisible && cycles - cycles.rounded(.down) >= 0.5
        }
        if let change, time >= change.time { (look.colour, look.rgb) = (change.colour, change.rgb) }
        return look
    }
}

/// A few seconds of generated video: a background, up to two objects, and lights that can go on and off.
package struct Scene: Sendable {
    package var background: Background
    package var objects: [SceneObject] = []
    /// The scene's length in seconds.
    package var length: Double
    /// The times at which the lights go on or off, in seconds.
    ///
    /// They are on at first, unless the first change turns them on.
    package var lights: [(time: Double, on: Bool)] = []
    /// The scene's brightness while the lights are off, 0 to 1.
    package var dark = 0.08
    /// The time span of the scene's action, in seconds, on which most training windows are placed.
    package var focus = Phase(0, 1)

    package init(background: Background, length: Double) { (self.background, self.length) = (background, length) }

    /// Returns the scene's brightness at a time, 0 to 1; each change of the lights takes 0.12 seconds.
    package func light(at time: Double) -> Double {
        guard let first = lights.first else { return 1 }
        var value = first.on ? dark : 1.0
        for change in lights {
            let share = min(max((time - change.time) / 0.12, 0), 1)
            value += ((change.on ? 1 : dark) - value) * share
        }
        return value
    }

    package func isBright(at time: Double) -> Bool {
        var bright = !(lights.first?.on ?? false)
        for change in lights where time >= change.time + 0.06 { bright = change.on }
        return bright
    }

    /// Returns a shape's outlines in pixels, with (0, 0) at the centre of the picture's first pixel.
    ///
    /// `scale` is the picture's height; `margin` is the width to the left of the central square, in units of the
    /// height.
    static func outlines(of shape: Shape, _ look: SceneObject.Look, scale: Double, margin: Double) -> [[Point]] {
        let (c, s) = (cos(look.turn) * look.radius, sin(look.turn) * look.radius)
        return shape.outlines.map { outline in
            outline.map { point in
                Point(
                    (point.x * c - point.y * s + look.place.x + margin) * scale - 0.5,
                    (point.x * s + point.y * c + look.place.y) * scale - 0.5)
            }
        }
    }

    /// Draws the scene at a time, in seconds; `background` is its background's picture of the same size and margin.
    package func draw(at time: Double, on background: [UInt8], width: Int, height: Int, margin: Double) -> Canvas {
        var canvas = Canvas(width: width, height: height, pixels: background)
        let scale = Double(height)
        for object in objects {
            let look = object.look(at: time)
            guard look.isVisible else { continue }
            canvas.fill(Self.outlines(of: object.shape, look, scale: scale, margin: margin), look.rgb)
        }
        let light = light(at: time)
        if light < 0.999 {
            for index in canvas.pixels.indices { canvas.pixels[index] = UInt8(Double(canvas.pixels[index]) * light) }
        }
        return canvas
    }
}
