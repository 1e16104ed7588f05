/// A truth value: 0 false, 1 true, 0.5 undecided, such as for an action that only just begins.
package typealias Truth = Float

/// Tells which statements are true of a window (a few frames) of a generated scene.
///
/// Each table has a value for every case of an enum and a last one for "any". An action is true of eight frames if at
/// least four of the seven steps between frames show it, and undecided at two or three.
package struct Facts: Sendable, Equatable {
    package struct Object: Sendable, Equatable {
        package var shape = [Truth](repeating: 0, count: Shape.allCases.count + 1)
        package var colour = [Truth](repeating: 0, count: Colour.allCases.count + 1)
        package var size = [Truth](repeating: 0, count: Size.allCases.count + 1)
        package var position = [Truth](repeating: 0, count: Position.allCases.count + 1)
        package var action = [Truth](repeating: 0, count: Action.allCases.count + 1)
        package var from = [Truth](repeating: 0, count: Colour.allCases.count + 1)
        package var to = [Truth](repeating: 0, count: Colour.allCases.count + 1)
        package var visible = [Truth](repeating: 0, count: 2)

        var exists: Bool { shape[Shape.allCases.count] == 1 }
    }

    /// The truth tables of the scene's two objects; they are all 0 for an absent object.
    package var objects = [Object(), Object()]
    package var relation: [Truth] = [0, 0, 1]
    package var state: [Truth] = [0, 0, 0, 0, 1]

    package init(_ scene: Scene, times: [Double]) {
        let bright = times.map(scene.isBright)
        let tracks = scene.objects.prefix(2).map { Track($0, times, bright) }
        for (index, track) in tracks.enumerated() { objects[index] = track.facts() }
        if tracks.count == 2, times.count > 1 {
            let both = zip(tracks[0].visible, tracks[1].visible).map { $0 && $1 }
            for relation in Relation.allCases {
                self.relation[relation.rawValue] = Self.truth(
                    of: relation, tracks[0].places, tracks[1].places, visible: both)
            }
        }
        let brightCount = bright.count { $0 }
        let anyVisible = tracks.contains { $0.visible.contains(true) }
        let decided: Truth = brightCount == times.count ? 1 : 0.5
        state[SceneState.empty.rawValue] = anyVisible ? 0 : decided
        state[SceneState.dark.rawValue] = brightCount == 0 ? 1 : brightCount == times.count ? 0 : 0.5
        guard brightCount > 0, brightCount < times.count else { return }
        let changes = (1..<times.count).filter { bright[$0] != bright[$0 - 1] }
        if changes.count == 1 {
            let isOn = bright[times.count - 1]
            let isClear = changes[0] == 1 || changes[0] >= 2 && changes[0] <= times.count - 2
            state[(isOn ? SceneState.lightsOn : .lightsOut).rawValue] = isClear ? 1 : 0.5
        } else {
            state[SceneState.lightsOut.rawValue] = 0.5
            state[SceneState.lightsOn.rawValue] = 0.5
        }
    }

    private static func truth(of relation: Relation, _ a: [Point], _ b: [Point], visible: [Bool]) -> Truth {
        let sign = relation == .meet ? 1.0 : -1
        var (whole, part) = (0, 0)
        for step in 1..<a.count where visible[step] && visible[step - 1] {
            let (stepA, stepB, apart) = (a[step] - a[step - 1], b[step] - b[step - 1], b[step - 1] - a[step - 1])
            let distance = apart.length
            let toward = Point(apart.x / (distance + 1e-6), apart.y / (distance + 1e-6))
            let nearsA = stepA.x * toward.x + stepA.y * toward.y
            let nearsB = -(stepB.x * toward.x + stepB.y * toward.y)
            let moving = stepA.length > 0.006 && stepB.length > 0.006
            if moving && nearsA * sign > 0.006 && nearsB * sign > 0.006 { whole += 1 }
            if -((b[step] - a[step]).length - distance) * sign > 0.006 { part += 1 }
        }
        return whole >= 4 ? 1 : part > 1 || whole > 1 ? 0.5 : 0
    }
}

/// Areas of the picture that captions can name; an object's centre lies in them.
package enum Position: Int, CaseIterable, Sendable {
    case left, right, top, bottom, middle, topLeft, topRight, bottomLeft, bottomRight

    static func truths(_ place: Point) -> [Truth] {
        func low(_ v: Double) -> Truth { v < 0.35 ? 1 : v > 0.43 ? 0 : 0.5 }
        func middle(_ v: Double) -> Truth { abs(v - 0.5) < 0.11 ? 1 : abs(v - 0.5) > 0.18 ? 0 : 0.5 }
        let (l, r, t, b) = (low(place.x), low(1 - place.x), low(place.y), low(1 - place.y))
        return [
            l, r, t, b, min(middle(place.x), middle(place.y)), min(t, l), min(t, r), min(b, l), min(b, r),
        ]
    }
}

/// The looks and positions of one object in each frame of a window.
private struct Track {
    let object: SceneObject
    let times: [Double]
    let bright: [Bool]
    let looks: [SceneObject.Look]
    /// True, for each frame, if the object is visible and the lights are on.
    let visible: [Bool]
    let places: [Point]

    init(_ object: SceneObject, _ times: [Double], _ bright: [Bool]) {
        (self.object, self.times, self.bright) = (object, times, bright)
        looks = times.map(object.look)
        visible = zip(looks, bright).map { $0.isVisible && $1 }
        places = looks.map(\.place)
    }

    private var half: Int { max(1, times.count / 2) }

    func facts() -> Facts.Object {
        var facts = Facts.Object()
        for table in [
            \Facts.Object.shape, \.colour, \.size, \.position, \.action, \.from, \.to, \.visible,
        ] { facts[keyPath: table][facts[keyPath: table].count - 1] = 1 }
        let seen = looks.indices.filter { visible[$0] }
        facts.shape[object.shape.rawValue] = 1
        facts.visible[0] = seen.count >= half ? 1 : seen.isEmpty ? 0 : 0.5
        let colours = seen.isEmpty ? [object.colour] : Set(seen.map { looks[$0].colour })
        for colour in colours { facts.colour[colour.rawValue] = colours.count == 1 ? 1 : 0.5 }
        let radii = seen.isEmpty ? looks.map(\.radius) : seen.map { looks[$0].radius }
        let (isSmall, isBig) = (
            radii.allSatisfy { $0 < Size.smallBelow }, radii.allSatisfy { $0 > Size.bigAbove }
        )
        facts.size[0] = isSmall ? 1 : isBig ? 0 : 0.5
        facts.size[1] = isBig ? 1 : isSmall ? 0 : 0.5
        if !seen.isEmpty {
            let truths = seen.map { Position.truths(places[$0]) }
            for position in Position.allCases.indices {
                let held = truths.count { $0[position] == 1 }
                let isTrue = Double(held) / Double(seen.count) > 0.85
                facts.position[position] = isTrue ? 1 : truths.allSatisfy { $0[position] == 0 } ? 0 : 0.5
            }
        }
        if times.count > 1 { addActions(&facts, seen: seen) }
        return facts
    }

    private func addActions(_ facts: inout Facts.Object, seen: [Int]) {
        var steps = [Int](repeating: 0, count: Action.allCases.count)
        for step in 1..<times.count where visible[step] && visible[step - 1] {
            let (from, to) = (looks[step - 1], looks[step])
            let moved = to.place - from.place
            let (dx, dy, grown) = (moved.x, moved.y, to.radius - from.radius)
            func count(_ action: Action, _ holds: Bool) { if holds { steps[action.rawValue] += 1 } }
            count(.moveLeft, dx < -0.018 && abs(dx) > 1.6 * abs(dy))
            count(.moveRight, dx > 0.018 && abs(dx) > 1.6 * abs(dy))
            count(.moveUp, dy < -0.018 && abs(dy) > 1.6 * abs(dx))
            count(.moveDown, dy > 0.018 && abs(dy) > 1.6 * abs(dx))
            count(.move, moved.length > 0.008)
            count(.grow, grown > 0.004)
            count(.shrink, grown < -0.004)
            count(.spin, abs(to.turn - from.turn) > 0.1)
        }
        for action in [Action.moveLeft, .moveRight, .moveUp, .moveDown, .move, .grow, .shrink, .spin] {
            let shown = steps[action.rawValue]
            facts.action[action.rawValue] = shown >= 4 ? 1 : shown <= 1 ? 0 : 0.5
        }
        let blinking = addBlinking(&facts)
        addComingAndGoing(&facts, blinking: blinking)
        addChange(&facts, seen: seen)
        let change = facts.action[Action.change.rawValue]
        let most = [Action.move, .grow, .shrink, .spin].map { steps[$0.rawValue] }.max() ?? 0
        let busy = max(most, blinking, change > 0 ? 2 : 0)
        let still: Truth
        if seen.count < half {
            still = seen.isEmpty ? 0 : 0.5
        } else if busy == 0 {
            still = seen.count >= times.count - 1 ? 1 : 0.5
        } else {
            still = busy >= 3 || change == 1 ? 0 : 0.5
        }
        facts.action[Action.still.rawValue] = still
    }

    /// Fills in the truth of "blinks"; returns the number of steps between frames during which the object blinks.
    private func addBlinking(_ facts: inout Facts.Object) -> Int {
        guard let blink = object.blink else { return 0 }
        let within = times.indices.map { index in
            let time = times[index]
            return blink.during.start <= time && time < blink.during.end && object.visible.start <= time
                && time < object.visible.end && bright[index]
        }
        let steps = (1..<times.count).filter { within[$0] && within[$0 - 1] }
        let toggles = steps.count { looks[$0].isVisible != looks[$0 - 1].isVisible }
        let isTrue = steps.count >= 4 && toggles >= 2
        facts.action[Action.blink.rawValue] = isTrue ? 1 : steps.count <= 1 && toggles == 0 ? 0 : 0.5
        return steps.count
    }

    private func addComingAndGoing(_ facts: inout Facts.Object, blinking: Int) {
        let changes = (1..<times.count).filter { visible[$0] != visible[$0 - 1] }
        if changes.count > 1 {
            facts.action[Action.appear.rawValue] = 0.5
            facts.action[Action.disappear.rawValue] = 0.5
        } else if let change = changes.first {
            let comes = visible[times.count - 1]
            let isClear = change >= 2 && change <= times.count - 2 || comes && change == 1
            let isDoubtful = blinking > 0 || bright.contains(false)
            facts.action[(comes ? Action.appear : .disappear).rawValue] = isClear && !isDoubtful ? 1 : 0.5
        }
    }

    private func addChange(_ facts: inout Facts.Object, seen: [Int]) {
        guard let change = object.change else { return }
        let before = seen.count { looks[$0].colour == object.colour }
        let after = seen.count { looks[$0].colour == change.colour }
        let truth: Truth = before >= 2 && after >= 2 ? 1 : min(before, after) == 0 ? 0 : 0.5
        facts.action[Action.change.rawValue] = truth
        guard truth > 0 else { return }
        facts.from[object.colour.rawValue] = 1
        facts.to[change.colour.rawValue] = 1
    }
}
