import Foundation
package import SystemSupport

extension Scene {
    /// Generates a random scene in which objects appear, an action happens, and objects disappear.
    ///
    /// The action lasts `during` seconds; nil chooses 2.2 to 3.6 seconds. A nil `background` is chosen, too.
    package static func random(
        _ random: inout SeededRandom, background: Background? = nil, during: Double? = nil
    ) -> Scene {
        while true {
            let behind = background ?? .random(&random)
            if let scene = attempt(&random, behind, during) { return scene }
        }
    }

    private enum Role: Equatable {
        case acts(Action), relates(Relation)
    }

    private static let singles: [(action: Action, weight: Double)] = [
        (.moveLeft, 1.4), (.moveRight, 1.4), (.moveUp, 1.4), (.moveDown, 1.4), (.still, 1.0), (.grow, 1.3),
        (.shrink, 1.3), (.spin, 1.4), (.blink, 1.3), (.change, 1.5),
    ]

    private static func single(_ random: inout SeededRandom) -> Role {
        .acts(random.choice(singles.map(\.action), weights: singles.map(\.weight)))
    }

    private static func attempt(_ random: inout SeededRandom, _ background: Background, _ wanted: Double?) -> Scene? {
        let kind = random.unit()
        let duration = wanted ?? random.uniform(2.2, 3.6)
        let (before, after) = (random.uniform(0.8, 2), random.uniform(0.8, 2))
        let during = Phase(before, before + duration)
        var scene = Scene(background: background, length: before + duration + after)
        scene.focus = during
        var roles: [Role]
        if kind < 0.09 {
            let count = random.choice([0, 0, 1, 1, 2])
            scene.switchLights(during, &random)
            roles = [Role](repeating: .acts(.still), count: count)
        } else if random.chance(0.58) {
            roles = [single(&random)]
        } else if random.chance(0.38) {
            let relation = random.choice(Relation.allCases)
            roles = [.relates(relation), .relates(relation)]
        } else {
            roles = [single(&random), random.chance(0.6) ? .acts(.still) : single(&random)]
        }
        guard scene.cast(roles, during, &random) else { return nil }
        if case .relates(let relation)? = roles.first {
            guard scene.relate(relation, during, &random) else { return nil }
        } else if scene.objectsTouch(during) {
            return nil
        }
        if let change = scene.lights.filter({ $0.time > 0.1 }).randomElement(using: &random) {
            scene.focus = Phase(change.time - 0.9, change.time + 0.9)
        }
        for object in scene.objects {
            if let change = object.change { scene.focus = Phase(change.time - 0.9, change.time + 0.9) }
        }
        scene.enterAndLeave(before: before, after: after, &random)
        return scene
    }

    private mutating func switchLights(_ during: Phase, _ random: inout SeededRandom) {
        let duration = during.end - during.start
        if random.chance(0.5) {
            let out = random.uniform(during.start + 0.2, during.start + duration * 0.5)
            lights = [(out, false), (during.end + random.uniform(0, 1), true)]
            length += 1
        } else {
            lights = [(0.02, false), (during.start + random.uniform(0.5, duration - 0.5), true)]
        }
        dark = random.uniform(0.05, 0.11)
    }

    /// Chooses a shape and a colour that contrast with the background and are not in `taken`; nil if none is found.
    ///
    /// With `turning`, the shape's rotation must be visible.
    static func look(
        _ random: inout SeededRandom, _ background: Background, taken: Set<[Int]>, turning: Bool
    ) -> (Shape, Colour, RGB)? {
        for _ in 0..<60 {
            let (shape, colour) = (random.choice(Shape.allCases), random.choice(Colour.allCases))
            if turning && shape.symmetry == 0 { continue }
            let rgb = colour.jittered(&random)
            guard !taken.contains([shape.rawValue, colour.rawValue]), background.contrasts(rgb) else { continue }
            return (shape, colour, rgb)
        }
        return nil
    }

    /// Adds an object to the scene for each role, such as an action; returns false if none is found for a role.
    private mutating func cast(_ roles: [Role], _ during: Phase, _ random: inout SeededRandom) -> Bool {
        var taken: Set<[Int]> = []
        for role in roles {
            let turning = role == .acts(.spin)
            guard let (shape, colour, rgb) = Self.look(&random, background, taken: taken, turning: turning)
            else { return false }
            let size = Size.random(&random)
            let radius = roles.count == 2 ? min(size, 0.205) : size
            let margin = radius * 1.05 + 0.01
            let turn = turning ? random.uniform(-3.1, 3.1) : random.uniform(-0.2, 0.2)
            let place = Point(random.uniform(margin, 1 - margin), random.uniform(margin, 1 - margin))
            var object = SceneObject(
                shape: shape, colour: colour, rgb: rgb, radius: radius, place: place, turn: turn)
            if case .acts(let action) = role {
                guard object.give(action, during, background, taken: taken, &random) else { return false }
            }
            taken.insert([shape.rawValue, colour.rawValue])
            if let change = object.change { taken.insert([shape.rawValue, change.colour.rawValue]) }
            objects.append(object)
        }
        return true
    }

    /// Makes the scene's two objects move together or apart on a line; returns false if there is no room.
    private mutating func relate(_ relation: Relation, _ during: Phase, _ random: inout SeededRandom) -> Bool {
        let duration = during.end - during.start
        for index in 0..<2 where objects[index].radius >= Size.smallBelow {
            objects[index].radius = random.uniform(0.14, 0.17)
        }
        let (a, b) = (objects[0].radius, objects[1].radius)
        let touch = (a + b) * 0.95
        var (speedA, speedB) = (random.uniform(0.1, 0.16), random.uniform(0.1, 0.16))
        var gap = (speedA + speedB) * duration
        let total = gap + touch + a + b
        if total > 1.02 {
            let factor = (1.02 - touch - a - b) / gap
            (speedA, speedB, gap) = (speedA * factor, speedB * factor, gap * factor)
        }
        guard min(speedA, speedB) >= 0.05 else { return false }
        let start = random.uniform(0, max(0, 1.02 - total)) + a
        let (low, high) = (max(a, b), 1 - max(a, b))
        let line = random.uniform(low + 0.02, high - 0.02)
        let other = min(max(line + random.uniform(-0.06, 0.06), low), high)
        var (placeA, placeB) = (start, start + gap + touch)  // far apart
        var (velocityA, velocityB) = (speedA, -speedB)
        if relation == .apart {
            placeA += speedA * duration
            placeB -= speedB * duration
            (velocityA, velocityB) = (-speedA, speedB)
        }
        let level = random.chance(0.6)
        func along(_ value: Double, _ across: Double) -> Point { level ? Point(value, across) : Point(across, value) }
        (objects[0].place, objects[1].place) = (along(placeA, line), along(placeB, other))
        objects[0].move = (during, along(velocityA, 0))
        objects[1].move = (during, along(velocityB, 0))
        return true
    }

    private func objectsTouch(_ during: Phase) -> Bool {
        guard objects.count == 2 else { return false }
        return (0..<13).contains { step in
            let time = during.start + (during.end - during.start) * Double(step) / 12
            let (a, b) = (objects[0].look(at: time), objects[1].look(at: time))
            return (a.place - b.place).length < (a.radius + b.radius) * 0.98
        }
    }

    private mutating func enterAndLeave(before: Double, after: Double, _ random: inout SeededRandom) {
        let together = random.chance(0.6)
        for index in objects.indices {
            let isPlain = index == 0 || together
            let enters = isPlain ? 0.05 : random.uniform(0.05, max(0.06, before - 0.3))
            let leaves = isPlain ? 0.05 : random.uniform(0.05, max(0.06, after - 0.3))
            objects[index].visible = Phase(enters, length - leaves)
        }
    }
}

extension SceneObject {
    /// Makes the object perform an action; returns false if it cannot.
    fileprivate mutating func give(
        _ action: Action, _ during: Phase, _ background: Background, taken: Set<[Int]>, _ random: inout SeededRandom
    ) -> Bool {
        switch action {
        case .moveLeft, .moveRight, .moveUp, .moveDown: return travel(action, during, &random)
        case .grow, .shrink:
            let (low, high) = (random.uniform(0.085, 0.125), random.uniform(0.2, 0.27))
            radius = action == .grow ? low : high
            growth = (during, action == .grow ? high : low)
            let margin = high * 1.05
            place = Point(random.uniform(margin, 1 - margin), random.uniform(margin, 1 - margin))
        case .spin:
            guard let most = [4: 110.0, 3: 140, 5: 95, 1: 180][shape.symmetry] else { return false }
            spin = (during, random.choice([-1, 1]) * random.uniform(65, most) * .pi / 180)
        case .blink: blink = (during, random.uniform(0.75, 1.25))
        case .change:
            for _ in 0..<30 {
                let to = random.choice(Colour.allCases)
                let painted = to.jittered(&random)
                let isFree = to != colour && !taken.contains([shape.rawValue, to.rawValue])
                guard isFree, background.contrasts(painted) else { continue }
                change = (random.uniform(during.start + 0.3, during.end - 0.3), to, painted)
                return true
            }
            return false
        case .still, .appear, .disappear, .move: break
        }
        return true
    }

    private mutating func travel(_ action: Action, _ during: Phase, _ random: inout SeededRandom) -> Bool {
        let duration = during.end - during.start
        let margin = radius * 1.05 + 0.01
        let speed = min(random.uniform(0.13, 0.36), (1 - 2 * margin) / duration)
        guard speed >= 0.11 else { return false }
        let path = speed * duration
        let drift = random.uniform(-0.15, 0.15) * path
        let a = random.uniform(margin, 1 - margin - path)
        let b = random.uniform(max(margin, margin - drift), min(1 - margin, 1 - margin - drift))
        let sideways = drift / duration
        switch action {
        case .moveRight: (place, move) = (Point(a, b), (during, Point(speed, sideways)))
        case .moveLeft: (place, move) = (Point(1 - a, b), (during, Point(-speed, sideways)))
        case .moveDown: (place, move) = (Point(b, a), (during, Point(sideways, speed)))
        default: (place, move) = (Point(b, 1 - a), (during, Point(sideways, -speed)))
        }
        return true
    }
}
