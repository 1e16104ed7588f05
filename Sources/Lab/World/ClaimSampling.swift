package import SystemSupport

extension Claim {
    /// Returns a random claim that is true of a window with these facts; nil if there is none.
    ///
    /// With `full`, the claim states every property it can, and is about an action if there is one. Otherwise `action`
    /// is the probability that it is about an action rather than about an object's look or place.
    package static func random(
        trueOf facts: Facts, _ random: inout SeededRandom, full: Bool = false, action: Double = 0.7
    ) -> Claim? {
        var options: [(weight: Double, choice: Choice)] = []
        for relation in Relation.allCases where facts.relation[relation.rawValue] == 1 {
            options.append((2, .relation(relation)))
        }
        for state in SceneState.allCases where facts.state[state.rawValue] == 1 { options.append((3, .state(state))) }
        let there = facts.objects.indices.filter { facts.objects[$0].exists }
        for index in there {
            for action in Action.allCases where facts.objects[index].action[action.rawValue] == 1 {
                options.append((action == .still ? 0.5 : action == .move ? 0.25 : 1, .action(index, action)))
            }
        }
        let standing = there.filter { facts.objects[$0].visible[0] == 1 }
        if !standing.isEmpty, options.isEmpty || !full && !random.chance(action) {
            options = standing.map { (1, .object($0)) } + (standing.count == 2 ? [(1, .pair)] : [])
        }
        guard !options.isEmpty else { return nil }
        let chosen = random.choice(options.map(\.choice), weights: options.map(\.weight))
        switch chosen {
        case .state(let state): return Claim(.scene(state))
        case .relation(let relation):
            if !full, random.chance(0.3) { return Claim(.pair(Part(), Part(), relation)) }
            return Claim(.pair(look(facts, 0, &random, full), look(facts, 1, &random, full), relation))
        case .action(let index, let action): return Claim(.single(acting(facts, index, action, &random, full)))
        case .object(let index):
            return Claim(.single(placed(facts.objects[index], look(facts, index, &random, full), &random, full)))
        case .pair:
            var (a, b) = (look(facts, 0, &random, full), look(facts, 1, &random, full))
            if !full, random.chance(0.15) { (a, b) = (Part(), Part()) }
            (a.isVisible, b.isVisible) = (true, true)
            return Claim(.pair(a, b, nil))
        }
    }

    private enum Choice {
        case relation(Relation), state(SceneState), action(Int, Action), object(Int), pair
    }

    /// Returns a claim with an object's shape, colour and size; without `full`, some are randomly left out.
    private static func look(
        _ facts: Facts, _ index: Int, _ random: inout SeededRandom, _ full: Bool, colourToo: Bool = true
    ) -> Part {
        let object = facts.objects[index]
        var part = Part()
        part.shape = object.shape.dropLast().firstIndex(of: 1).flatMap(Shape.init)
        part.colour = colourToo ? object.colour.dropLast().firstIndex(of: 1).flatMap(Colour.init) : nil
        part.size = object.size.dropLast().firstIndex(of: 1).flatMap(Size.init)
        guard !full else { return part }
        let q = random.unit()
        if q < 0.72 || (0.8..<0.86).contains(q) { part.size = nil }
        if (0.35..<0.55).contains(q) || (0.72..<0.86).contains(q) { part.colour = nil }
        if (0.55..<0.86).contains(q) { part.shape = nil }
        return part
    }

    private static func acting(
        _ facts: Facts, _ index: Int, _ action: Action, _ random: inout SeededRandom, _ full: Bool
    ) -> Part {
        var part = look(facts, index, &random, full, colourToo: action != .change)
        part.action = action
        guard action == .change else { return part }
        let (from, to) = (facts.objects[index].from.firstIndex(of: 1), facts.objects[index].to.firstIndex(of: 1))
        let q = full ? 1 : random.unit()
        if q > 0.6 { part.from = from.flatMap(Colour.init) }
        if q > 0.3 { part.to = to.flatMap(Colour.init) }
        return part
    }

    private static func placed(
        _ object: Facts.Object, _ look: Part, _ random: inout SeededRandom, _ full: Bool
    ) -> Part {
        var part = look
        let positions = Position.allCases.filter { object.position[$0.rawValue] == 1 }
        if let last = positions.last, full || random.chance(0.55) {
            part.position = full ? last : random.choice(positions)
        } else if part.saysNothing {
            part.shape = object.shape.dropLast().firstIndex(of: 1).flatMap(Shape.init)
        }
        part.isVisible = true
        return part
    }
}

extension Scene {
    /// Returns a random start time in the scene, in seconds, for a window of `span` seconds.
    ///
    /// Most windows overlap the scene's action, some the appearance or disappearance of objects, and some start
    /// anywhere.
    package func windowStart(span: Double, _ random: inout SeededRandom) -> Double {
        let q = random.unit()
        if q < 0.6 {
            let low = focus.start - 0.35 * span
            return random.uniform(low, max(low + 0.1, focus.end - 0.65 * span))
        }
        if q < 0.74 { return random.uniform(-span, 0.05) }
        if q < 0.88 { return length - random.uniform(0, span + 0.1) }
        return random.uniform(-span, length)
    }
}
