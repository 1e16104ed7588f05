import Foundation

/// The actions of an object, in the order of truth tables.
package enum Action: Int, CaseIterable, Sendable {
    case moveLeft, moveRight, moveUp, moveDown, still, grow, shrink, spin, blink, appear, disappear, change, move

    /// The action's name in files of true events.
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

/// Relations between two objects.
package enum Relation: Int, CaseIterable, Sendable {
    case meet, apart
    package var kind: String { "\(self)" }
}

/// The states of a scene as a whole.
package enum SceneState: Int, CaseIterable, Sendable {
    case empty, lightsOut, lightsOn, dark

    /// The state's name in files of true events.
    package var kind: String { ["empty", "lights_out", "lights_on", "dark"][rawValue] }
}

/// A span of seconds in which something happens.
package struct Phase: Sendable, Equatable {
    package var start, end: Double

    package init(_ start: Double, _ end: Double) { (self.start, self.end) = (start, end) }

    /// The time since the phase began: 0 before it, its length after it.
    func elapsed(_ time: Double) -> Double { min(max(time - start, 0), end - start) }
}

/// An object of a scene, and its actions.
///
/// Places are in the central square of the picture: x and y over [0, 1], y downwards. Times are seconds of the scene.
package struct SceneObject: Sendable {
    package var shape: Shape
    package var colour: Colour
    /// The colour as painted.
    package var rgb: RGB
    package var radius: Double
    package var place: Point
    package var turn: Double
    package var visible = Phase(-1e9, 1e9)
    /// The movement, in units a second.
    package var move: (during: Phase, velocity: Point)? = nil
    package var growth: (during: Phase, radius: Double)? = nil
    /// The rotation, in radians a second.
    package var spin: (during: Phase, speed: Double)? = nil
    package var blink: (during: Phase, period: Double)? = nil
    package var change: (time: Double, colour: Colour, rgb: RGB)? = nil

    package init(shape: Shape, colour: Colour, rgb: RGB, radius: Double, place: Point, turn: Double) {
        (self.shape, self.colour, self.rgb) = (shape, colour, rgb)
        (self.radius, self.place, self.turn) = (radius, place, turn)
    }

    /// The look of an object at one time.
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

/// A few seconds of the world: a background, up to two objects, the lights.
package struct Scene: Sendable {
    package var background: Background
    package var objects: [SceneObject] = []
    /// The length in seconds.
    package var length: Double
    /// The times at which the lights go on or off; they are on at first, unless the first change is "on".
    package var lights: [(time: Double, on: Bool)] = []
    /// Brightness with the lights off, 0 to 1.
    package var dark = 0.08
    /// The phase with the actions, from which windows for training are taken.
    package var focus = Phase(0, 1)

    package init(background: Background, length: Double) { (self.background, self.length) = (background, length) }

    /// The brightness at a time; a change takes 0.12 seconds.
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

    /// The outlines of an object in pixels, with (0, 0) at the centre of the first.
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

    /// The picture at a time, on a background made by `Background.picture` for the same size and margin.
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
