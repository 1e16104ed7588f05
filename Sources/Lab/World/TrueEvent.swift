/// An event of a generated film, whose time and captions are known exactly.
package struct TrueEvent: Sendable, Equatable, Codable {
    package struct Object: Sendable, Equatable, Codable {
        package let shape: String
        package let colour: String
        package let size: String?
    }

    package let kind: String
    /// The event's start in seconds; for a momentary event, `end` is the same.
    package let start: Double
    package let end: Double
    /// Captions that are true of the event, from the most to the least specific.
    package let captions: [String]
    package let objects: [Object]

    private enum CodingKeys: String, CodingKey {
        case kind, captions, objects
        case start = "start_s"
        case end = "end_s"
    }

    init(_ kind: String, _ span: Phase, _ captions: [String], _ objects: [Object] = []) {
        self.kind = kind
        (start, end) = (Self.milliseconds(span.start), Self.milliseconds(span.end))
        self.captions = captions
        self.objects = objects
    }

    private static func milliseconds(_ time: Double) -> Double { (time * 1000).rounded() / 1000 }

    static func all(_ takes: [Film.Take], duration: Double) -> [TrueEvent] {
        var events: [TrueEvent] = []
        /// The phases in which an object is visible or the lights are out; at other times the film is empty.
        var busy: [Phase] = []
        for take in takes {
            let chronicle = Chronicle(take)
            events += chronicle.events
            busy += chronicle.busy
        }
        var free = 0.0
        for span in busy.sorted(by: { $0.start < $1.start }) + [Phase(duration, duration)] {
            if span.start - free > 0.001 {
                events.append(
                    TrueEvent(SceneState.empty.kind, Phase(free, span.start), Wording.state(.empty).canonical))
            }
            free = max(free, span.end)
        }
        let order = events.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
        return order.map(\.element)
    }
}

extension [String] {
    /// The first phrase only, which is the canonical one.
    fileprivate var canonical: [String] { Array(prefix(1)) }
}

/// Collects the true events of one scene of a film.
private struct Chronicle {
    private(set) var events: [TrueEvent] = []
    private(set) var busy: [Phase] = []
    private let start: Double

    init(_ take: Film.Take) {
        start = take.start
        let darkness = addLights(take.scene)
        for object in take.scene.objects { add(object, in: take.scene, darkness) }
        if take.scene.objects.count == 2 { addRelation(take.scene.objects[0], take.scene.objects[1]) }
    }

    private func film(_ span: Phase) -> Phase { Phase(start + span.start, start + span.end) }

    /// Adds the events of lights that go on or off; returns the dark phases, in seconds of the scene.
    private mutating func addLights(_ scene: Scene) -> [Phase] {
        var darkness: [Phase] = []
        // A change of the lights takes 0.12 seconds; the event is at its middle.
        for (index, change) in scene.lights.enumerated() {
            let time = change.time + 0.06
            let state = change.on ? SceneState.lightsOn : .lightsOut
            events.append(TrueEvent(state.kind, film(Phase(time, time)), Wording.state(state).canonical))
            guard !change.on else { continue }
            let end = index + 1 < scene.lights.count ? scene.lights[index + 1].time + 0.06 : scene.length
            darkness.append(Phase(time, end))
            events.append(
                TrueEvent(SceneState.dark.kind, film(Phase(time, end)), Wording.state(.dark).canonical))
        }
        busy += darkness.map(film)
        return darkness
    }

    private mutating func add(_ object: SceneObject, in scene: Scene, _ darkness: [Phase]) {
        func isDark(_ time: Double) -> Bool { !scene.isBright(at: time) }
        var seen = object.visible
        let size = object.growth == nil ? Size(radius: object.radius) : nil
        let looks = Looks(object, size: size, colour: object.colour)
        if isDark(seen.start + 0.1) {
            seen.start = darkness.first { $0.end > seen.start }?.end ?? seen.start
        } else {
            add(.appear, Phase(seen.start, seen.start), looks)
        }
        busy.append(film(object.visible))
        let last = object.change.map { Looks(object, size: size, colour: $0.colour) } ?? looks
        if let change = object.change {
            addPresence(Phase(seen.start, change.time), looks, full: true)
            addChange(change.time, from: object.colour, to: change.colour, looks)
            addPresence(Phase(change.time, seen.end), last, full: false)
        } else {
            addPresence(seen, looks, full: true)
        }
        if let move = object.move {
            if let action = Self.direction(move.velocity) { add(action, move.during, looks, and: .move) }
        } else if let growth = object.growth {
            add(growth.radius > object.radius ? .grow : .shrink, growth.during, looks)
        } else if let spin = object.spin {
            add(.spin, spin.during, looks)
        } else if let blink = object.blink {
            add(.blink, blink.during, looks)
        } else if object.change == nil {
            add(.still, seen, looks)
        }
        if !isDark(seen.end - 0.01) { add(.disappear, Phase(seen.end, seen.end), last) }
    }

    private static func direction(_ velocity: Point) -> Action? {
        if abs(velocity.x) > 1.6 * abs(velocity.y) { return velocity.x < 0 ? .moveLeft : .moveRight }
        if abs(velocity.y) > 1.6 * abs(velocity.x) { return velocity.y < 0 ? .moveUp : .moveDown }
        return nil
    }

    private mutating func add(_ action: Action, _ span: Phase, _ looks: Looks, and vaguer: Action? = nil) {
        var captions = looks.parts.map { part in
            var said = part
            said.action = action
            return Self.words(.single(said))
        }
        if let vaguer {
            var said = Claim.Part()
            said.action = vaguer
            captions.append(Self.words(.single(said)))
        }
        events.append(TrueEvent(action.kind, film(span), captions, [looks.object]))
    }

    private mutating func addPresence(_ span: Phase, _ looks: Looks, full: Bool) {
        let parts =
            full
            ? looks.parts.filter { $0.shape != nil }
            : looks.parts.filter { $0.shape != nil && $0.colour != nil && $0.size == nil }
        events.append(TrueEvent("present", film(span), parts.map { Self.words(.single($0)) }, [looks.object]))
    }

    private mutating func addChange(_ time: Double, from: Colour, to: Colour, _ looks: Looks) {
        var part = Claim.Part()
        part.action = .change
        let vaguest = part
        part.shape = looks.shape
        let vague = part
        part.to = to
        let short = part
        part.from = from
        let captions = [part, short, vague, vaguest].map { Self.words(.single($0)) }
        events.append(TrueEvent(Action.change.kind, film(Phase(time, time)), captions, [looks.object]))
    }

    private mutating func addRelation(_ a: SceneObject, _ b: SceneObject) {
        guard let moveA = a.move, let moveB = b.move, moveA.during == moveB.during else { return }
        let apart = b.place - a.place
        let speed = moveB.velocity - moveA.velocity
        let opening = apart.x * speed.x + apart.y * speed.y
        let towards = moveA.velocity.x * apart.x + moveA.velocity.y * apart.y
        let other = -(moveB.velocity.x * apart.x + moveB.velocity.y * apart.y)
        guard towards * other > 0, towards * opening < 0 else { return }
        let relation = opening < 0 ? Relation.meet : .apart
        let (first, second) = (Looks(a, size: nil, colour: a.colour), Looks(b, size: nil, colour: b.colour))
        var captions = zip(first.parts, second.parts).map { Self.words(.pair($0, $1, relation)) }
        captions[captions.count - 1] = Self.words(.pair(Claim.Part(), Claim.Part(), relation))
        events.append(TrueEvent(relation.kind, film(moveA.during), captions, [first.object, second.object]))
    }

    private static func words(_ kind: Claim.Kind) -> String {
        var captioner = Captioner.canonical
        return captioner.caption(Claim(kind))
    }

    /// An object's descriptions in captions, from the most to the least specific.
    private struct Looks {
        let parts: [Claim.Part]
        let object: TrueEvent.Object
        let shape: Shape

        init(_ object: SceneObject, size: Size?, colour: Colour) {
            var (whole, bare, hue) = (Claim.Part(), Claim.Part(), Claim.Part())
            (whole.shape, whole.colour) = (object.shape, colour)
            bare.shape = object.shape
            hue.colour = colour
            var full = whole
            full.size = size
            parts = (size == nil ? [] : [full]) + [whole, bare, hue, Claim.Part()]
            shape = object.shape
            self.object = TrueEvent.Object(
                shape: object.shape.name, colour: colour.name, size: Size(radius: object.radius)?.name)
        }
    }
}
